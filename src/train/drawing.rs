//! The confusion matrix as files: CSV, SVG for names in any script, and PNG where the small font has their letters.

use super::font;
use super::metrics::Confusion;
use super::picture::{Canvas, Palette, text_size};
use super::report::write_csv;
use crate::text::{escape, isolated, printable, width};
use crate::{Error, Result, storage};
use std::fmt::Write as _;
use std::path::Path;

/// Fonts that have most scripts, on the systems that have them.
const FONTS: &str = "system-ui, 'Segoe UI', 'Noto Sans', 'Noto Sans CJK JP', 'Hiragino Sans', 'Yu Gothic', 'Noto Sans Arabic', 'Noto Sans Devanagari', \
                     'Nirmala UI', 'DejaVu Sans', Arial, sans-serif";

/// Writes `confusion.csv` and `confusion.svg` into a folder, and `confusion.png` where every class has letters that its font has.
///
/// # Errors
/// [`Error::Io`] naming the file.
pub fn write_confusion(matrix: &Confusion, folder: &Path) -> Result<()> {
    write_csv(matrix, &folder.join("confusion.csv"))?;
    storage::write(&folder.join("confusion.svg"), svg(matrix).as_bytes())?;
    let png = folder.join("confusion.png");
    if matrix.classes().iter().all(|class| font::has(class)) {
        return write_png(matrix, &png);
    }
    // One that an earlier test left here would show other figures.
    match std::fs::remove_file(&png) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&png)(e)),
        _ => Ok(()),
    }
}

/// Share of its row that a cell has, and how its percentage is written.
fn share(matrix: &Confusion, truth: usize, predicted: usize) -> (f32, String) {
    match matrix.support(truth) {
        0 => (0.0, "-".to_string()),
        support => {
            let share = matrix.count(truth, predicted) as f32 / support as f32;
            (share, format!("{:.1}%", 100.0 * share))
        }
    }
}

fn title(matrix: &Confusion) -> String {
    format!("rows: truth, columns: prediction, {} clips", matrix.total())
}

/// The matrix as SVG: cells shaded by the share of their row, with count and percentage.
pub fn svg(matrix: &Confusion) -> String {
    // Pixels of a column of a terminal in letters of 15 pixels, generously.
    const COLUMN: usize = 10;
    const MARGIN: usize = 14;
    let classes = matrix.classes();
    let label = classes.iter().map(|c| width(c) * COLUMN).max().unwrap_or(0);
    let (cell, height) = (label.max(84) + 12, 56);
    let (left, top, title) = (MARGIN + label + 10, MARGIN + 56, title(matrix));
    let all = ((left + classes.len() * cell).max(2 * MARGIN + title.len() * COLUMN) + MARGIN, top + classes.len() * height + MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" font-family=\"{FONTS}\" font-size=\"15\" role=\"img\" \
         aria-label=\"{title}\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{MARGIN}\" y=\"28\" fill=\"#5a5a5a\">{title}</text>\n",
        all.0, all.1
    );
    let mut text = |x: usize, y: usize, anchor: &str, ink: &str, text: &str| {
        let text = escape(&isolated(&printable(text)));
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{ink}\">{text}</text>");
    };
    for (t, class) in classes.iter().enumerate() {
        text(left - 10, top + t * height + height / 2 + 5, "end", "black", class);
        text(left + t * cell + cell / 2, top - 10, "middle", "black", class);
    }
    let mut cells = String::new();
    for (t, p) in (0..classes.len()).flat_map(|t| (0..classes.len()).map(move |p| (t, p))) {
        let (share, percent) = share(matrix, t, p);
        let [r, g, b] = Palette::Magma.colour(1.0 - 0.85 * share);
        let ink = if share > 0.35 { "white" } else { "black" };
        let (x, y) = (left + p * cell, top + t * height);
        let _ = writeln!(
            cells,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" fill=\"#{r:02x}{g:02x}{b:02x}\"/>\n<g text-anchor=\"middle\" fill=\"{ink}\"><text x=\"{2}\" \
             y=\"{3}\">{4}</text><text x=\"{2}\" y=\"{5}\" font-size=\"13\">{percent}</text></g>",
            cell - 2,
            height - 2,
            x + cell / 2,
            y + 24,
            matrix.count(t, p),
            y + 44
        );
    }
    out + &cells + "</svg>\n"
}

/// Draws the matrix as a PNG: cells shaded by the share of their row, with count and percentage.
///
/// # Errors
/// [`Error::Io`] naming the file.
pub fn write_png(matrix: &Confusion, path: &Path) -> Result<()> {
    const SCALE: usize = 2;
    const MARGIN: usize = 12;
    let classes = matrix.classes();
    let label = classes.iter().map(|c| text_size(c, SCALE).0).max().unwrap_or(0);
    let cell = (label.max(84) + 12, 56);
    let (left, top) = (MARGIN + label + 10, MARGIN + 2 * 24);
    let title = title(matrix);
    let width = (left + classes.len() * cell.0).max(MARGIN + text_size(&title, SCALE).0) + MARGIN;
    let mut canvas = Canvas::new(width, top + classes.len() * cell.1 + MARGIN, [255; 3]);
    canvas.text(MARGIN, MARGIN, &title, SCALE, [90; 3]);
    let centred = |canvas: &mut Canvas, x: usize, y: usize, text: &str, colour: [u8; 3]| {
        canvas.text(x + cell.0.saturating_sub(text_size(text, SCALE).0) / 2, y, text, SCALE, colour);
    };
    for (t, class) in classes.iter().enumerate() {
        let y = top + t * cell.1;
        canvas.text(MARGIN, y + cell.1 / 2 - 7, class, SCALE, [0; 3]);
        centred(&mut canvas, left + t * cell.0, top - 22, class, [0; 3]);
        for p in 0..classes.len() {
            let x = left + p * cell.0;
            let (share, percent) = share(matrix, t, p);
            canvas.fill(x, y, cell.0 - 2, cell.1 - 2, Palette::Magma.colour(1.0 - 0.85 * share));
            let ink = if share > 0.35 { [255; 3] } else { [0; 3] };
            centred(&mut canvas, x, y + 10, &matrix.count(t, p).to_string(), ink);
            centred(&mut canvas, x, y + 31, &percent, ink);
        }
    }
    canvas.write(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(classes: [&str; 3]) -> Confusion {
        let mut m = Confusion::new(classes);
        [(0, 0, 11), (0, 1, 3), (1, 1, 4)].into_iter().for_each(|(t, p, n)| m.add(t, p, n).unwrap());
        m
    }

    /// Names in any script stand in the picture as text, and nothing in a name is taken for markup.
    #[test]
    fn names_of_any_script_are_text() {
        let dir = tempfile::tempdir().unwrap();
        let files = |classes| {
            write_confusion(&matrix(classes), dir.path()).unwrap();
            (std::fs::read_to_string(dir.path().join("confusion.svg")).unwrap(), dir.path().join("confusion.png").exists())
        };
        let (svg, png) = files(["anger", "joy", "fear"]);
        assert!(png && svg.contains(">anger</text>") && svg.contains(">78.6%</text>"), "{svg}");
        // The picture of the test before is not left to be taken for that of this one.
        let (svg, png) = files(["Ärger", "喜び", "غضب"]);
        assert!(!png && svg.contains(">Ärger<") && svg.contains(">喜び<") && svg.contains(">\u{2068}غضب\u{2069}<"), "{svg}");
        let (svg, _) = files(["क्रोध", "<b>&\"", "a\n\u{1b}[31m"]);
        assert!(svg.contains(">क्रोध<") && svg.contains(">&lt;b&gt;&amp;&quot;<") && svg.contains(">a\\n\\u{1b}[31m<"), "{svg}");
        assert_eq!((svg.matches("<text").count(), svg.matches("</text>").count()), (1 + 6 + 18, 1 + 6 + 18));
        // Cells are as wide as the widest name.
        let wide = files(["喜び".repeat(20).leak(), "b", "c"]).0;
        let width = |svg: &str| svg.split("width=\"").nth(1).and_then(|s| s.split('"').next()?.parse::<usize>().ok()).unwrap();
        assert!(width(&wide) > 80 * 10 * 4, "{}", width(&wide));
    }

    #[test]
    fn pictures_of_ascii_names_are_png_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("confusion.png");
        write_png(&matrix(["happiness", "sadness", "anger"]), &path).unwrap();
        let reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&path).unwrap())).read_info().unwrap();
        assert!(reader.info().width > 300 && reader.info().height > 200);
        write_png(&Confusion::new(Vec::<String>::new()), &path).unwrap();
        assert!(svg(&Confusion::new(Vec::<String>::new())).ends_with("</svg>\n"));
        assert!(write_confusion(&matrix(["a", "b", "c"]), &dir.path().join("no")).is_err());
    }
}
