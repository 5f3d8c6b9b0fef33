//! PNG pictures: spectrogram images, grids of them with captions, and the canvas that reports draw on.

use std::path::Path;

use super::font;
use crate::{Error, Result, storage, text};

/// How values in [0, 1] become colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Palette {
    /// 0 black, 1 white.
    Gray,
    /// Black, purple, orange, pale yellow: uniform in lightness (van der Walt and Smith's magma, piecewise linear between nine anchors).
    #[default]
    Magma,
}

const MAGMA: [[u8; 3]; 9] = [
    [0, 0, 4],
    [28, 16, 68],
    [79, 18, 123],
    [129, 37, 129],
    [181, 54, 122],
    [229, 80, 100],
    [251, 135, 97],
    [254, 194, 135],
    [252, 253, 191],
];

impl Palette {
    /// Colour of `value`; outside [0, 1] is clamped, NaN is pure green so that it cannot be overlooked.
    pub fn colour(self, value: f32) -> [u8; 3] {
        if value.is_nan() {
            return [0, 255, 0];
        }
        let v = value.clamp(0.0, 1.0);
        match self {
            Palette::Gray => [(v * 255.0).round() as u8; 3],
            Palette::Magma => {
                let at = v * (MAGMA.len() - 1) as f32;
                let i = (at as usize).min(MAGMA.len() - 2);
                std::array::from_fn(|c| {
                    let (a, b) = (f32::from(MAGMA[i][c]), f32::from(MAGMA[i + 1][c]));
                    (a + (b - a) * (at - i as f32)).round() as u8
                })
            }
        }
    }
}

/// An RGB picture in memory; drawing outside its edges is cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Canvas {
    /// A canvas of `width` x `height` pixels in one colour.
    pub fn new(width: usize, height: usize, colour: [u8; 3]) -> Self {
        Canvas { width, height, rgb: colour.repeat(width * height) }
    }

    /// Width and height, pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Colour at (x, y), if inside.
    pub fn get(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        let at = 3 * (y * self.width + x);
        if x < self.width { self.rgb.get(at..at + 3).map(|p| [p[0], p[1], p[2]]) } else { None }
    }

    /// Fills the rectangle whose top left corner is (x, y).
    pub fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: [u8; 3]) {
        for row in y..y.saturating_add(height).min(self.height) {
            for column in x..x.saturating_add(width).min(self.width) {
                let at = 3 * (row * self.width + column);
                self.rgb[at..at + 3].copy_from_slice(&colour);
            }
        }
    }

    /// Writes `text` with its top left corner at (x, y), every font pixel `scale` pixels wide.
    pub fn text(&mut self, x: usize, y: usize, text: &str, scale: usize, colour: [u8; 3]) {
        for (i, c) in text.chars().enumerate() {
            for (row, bits) in font::glyph(c).into_iter().enumerate() {
                for column in (0..font::WIDTH).filter(|column| bits >> (font::WIDTH - 1 - column) & 1 == 1) {
                    let left = x + (i * (font::WIDTH + 1) + column) * scale;
                    self.fill(left, y + row * scale, scale, scale, colour);
                }
            }
        }
    }

    /// Draws `values` (row-major, `width` per row, first row on top), every value `scale` x `scale` pixels.
    pub fn image(&mut self, x: usize, y: usize, width: usize, values: &[f32], palette: Palette, scale: usize) {
        for (i, &v) in values.iter().enumerate() {
            self.fill(x + i % width.max(1) * scale, y + i / width.max(1) * scale, scale, scale, palette.colour(v));
        }
    }

    /// Writes the picture as an 8-bit RGB PNG.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file; a canvas without pixels cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_png(path, self.width, self.height, png::ColorType::Rgb, &self.rgb)
    }
}

/// Pixels that `text` takes at `scale`: width and height.
pub fn text_size(text: &str, scale: usize) -> (usize, usize) {
    ((text.chars().count() * (font::WIDTH + 1)).saturating_sub(1) * scale, font::HEIGHT * scale)
}

/// Writes `values` in [0, 1] as a `width` x `height` PNG, first row on top: a spectrogram whose row 0 is the highest band stands upright.
/// Gray images are stored with one byte per pixel.
///
/// # Errors
/// [`Error::Shape`] when `values` does not have `width · height` entries, [`Error::Io`] when the file cannot be written.
pub fn write_image(path: &Path, width: usize, height: usize, values: &[f32], palette: Palette) -> Result<()> {
    check(width, height, values)?;
    match palette {
        Palette::Gray => {
            let bytes: Vec<u8> = values.iter().map(|&v| palette.colour(v)[0]).collect();
            write_png(path, width, height, png::ColorType::Grayscale, &bytes)
        }
        Palette::Magma => {
            let bytes: Vec<u8> = values.iter().flat_map(|&v| palette.colour(v)).collect();
            write_png(path, width, height, png::ColorType::Rgb, &bytes)
        }
    }
}

/// One picture of a grid.
#[derive(Clone, Debug)]
pub struct Tile<'a> {
    /// Text under the picture; what does not fit its width is cut off.
    pub caption: String,
    /// Values per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width · height` values in [0, 1], first row on top.
    pub values: &'a [f32],
}

/// Writes `tiles` row by row, `columns` in a row, each magnified `scale` times with its caption below. Where captions have letters that the font
/// lacks, they are in an SVG beside the PNG, which shows it with all of them.
///
/// # Errors
/// [`Error::Shape`] for no tiles or one whose values do not match its size, [`Error::Io`] when the file cannot be written.
pub fn write_grid(path: &Path, tiles: &[Tile], columns: usize, scale: usize, palette: Palette) -> Result<()> {
    tiles.iter().try_for_each(|t| check(t.width, t.height, t.values))?;
    let (columns, scale) = (columns.clamp(1, tiles.len().max(1)), scale.max(1));
    let widest = tiles.iter().map(|t| t.width * scale).max().unwrap_or(0);
    let tallest = tiles.iter().map(|t| t.height * scale).max().unwrap_or(0);
    if widest == 0 || tallest == 0 {
        return Err(Error::shape("picture grid", "at least one tile", "none"));
    }
    let (gap, line) = (6, font::HEIGHT + 4);
    let cell = (widest + gap, tallest + line + gap);
    let drawn = tiles.iter().all(|tile| font::has(&tile.caption));
    let mut captions = String::new();
    let mut canvas = Canvas::new(gap + columns * cell.0, gap + tiles.len().div_ceil(columns) * cell.1, [24, 24, 28]);
    for (i, tile) in tiles.iter().enumerate() {
        let (x, y) = (gap + i % columns * cell.0, gap + i / columns * cell.1);
        canvas.image(x, y, tile.width, tile.values, palette, scale);
        if !drawn {
            let (y, caption) = (y + tile.height * scale + line - 3, text::escape(&text::isolated(&text::printable(&tile.caption))));
            captions += &format!("<text x=\"{x}\" y=\"{y}\">{caption}</text>\n");
            continue;
        }
        let fits = (widest + 1) / (font::WIDTH + 1);
        let caption: String = tile.caption.chars().take(fits).collect();
        canvas.text(x, y + tile.height * scale + 3, &caption, 1, [225, 225, 225]);
    }
    canvas.write(path)?;
    match drawn {
        true => Ok(()),
        false => storage::write(&path.with_extension("svg"), captioned(path, canvas.size(), &captions).as_bytes()),
    }
}

/// An SVG that shows a PNG beside it, and captions on it.
fn captioned(png: &Path, (width, height): (usize, usize), captions: &str) -> String {
    let name = text::escape(&png.file_name().unwrap_or_default().to_string_lossy());
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"system-ui, sans-serif\" font-size=\"10\" \
         fill=\"#e1e1e1\">\n<image href=\"{name}\" width=\"{width}\" height=\"{height}\"/>\n{captions}</svg>\n"
    )
}

fn check(width: usize, height: usize, values: &[f32]) -> Result<()> {
    if width == 0 || height == 0 || width.checked_mul(height) != Some(values.len()) {
        return Err(Error::shape("picture", format!("{width} x {height} values, none of them 0"), format!("{} values", values.len())));
    }
    Ok(())
}

fn write_png(path: &Path, width: usize, height: usize, colour: png::ColorType, bytes: &[u8]) -> Result<()> {
    let size = |n: usize| u32::try_from(n).map_err(|_| Error::shape("picture", "at most 2^32-1 pixels a side", n.to_string()));
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size(width)?, size(height)?);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    let encoded = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(bytes)?;
        writer.finish()
    });
    encoded.map_err(|e| Error::io(path)(std::io::Error::other(e)))?;
    storage::write(path, &file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> (png::ColorType, u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).unwrap())).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        (info.color_type, info.width, info.height, bytes)
    }

    #[test]
    fn palettes() {
        assert_eq!(Palette::Gray.colour(0.5), [128; 3]);
        assert_eq!(Palette::Magma.colour(-1.0), [0, 0, 4]);
        assert_eq!(Palette::Magma.colour(7.0), [252, 253, 191]);
        assert_eq!(Palette::Magma.colour(0.5), [181, 54, 122]);
        assert_eq!(Palette::Magma.colour(f32::NAN), [0, 255, 0]);
        let light = |v: f32| Palette::Magma.colour(v).iter().zip([0.21, 0.72, 0.07]).map(|(c, w)| f32::from(*c) * w).sum::<f32>();
        assert!((0..100).all(|i| light(i as f32 / 100.0) < light((i + 1) as f32 / 100.0) + 1e-3), "magma must grow lighter");
    }

    #[test]
    fn images_read_back() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::io("temporary folder"))?;
        let path = dir.path().join("a.png");
        let values = [0.0, 0.25, 0.5, 0.75, 1.0, f32::INFINITY];
        write_image(&path, 3, 2, &values, Palette::Gray)?;
        assert_eq!(read(&path), (png::ColorType::Grayscale, 3, 2, vec![0, 64, 128, 191, 255, 255]));
        write_image(&path, 2, 3, &values, Palette::Magma)?;
        let (kind, w, h, bytes) = read(&path);
        assert_eq!((kind, w, h), (png::ColorType::Rgb, 2, 3));
        assert_eq!(bytes[6..9], Palette::Magma.colour(0.5));
        assert!(write_image(&path, 3, 3, &values, Palette::Gray).is_err());
        assert!(write_image(&path, 0, 0, &[], Palette::Gray).is_err());
        assert!(matches!(write_image(&dir.path().join("no/a.png"), 3, 2, &values, Palette::Gray), Err(Error::Io { .. })));
        Ok(())
    }

    #[test]
    fn text_lands_where_it_should() {
        let mut canvas = Canvas::new(20, 10, [0; 3]);
        canvas.text(1, 1, "I|", 1, [255; 3]);
        assert_eq!(canvas.get(2, 1), Some([255; 3]));
        assert_eq!(canvas.get(1, 1), Some([0; 3]));
        assert!((1..8).all(|y| canvas.get(3, y) == Some([255; 3]) && canvas.get(9, y) == Some([255; 3])));
        assert_eq!(canvas.get(20, 0), None);
        assert_eq!(text_size("abc", 2), (34, 18));
        canvas.text(18, 8, "cut off", 3, [1; 3]);
        canvas.fill(19, 9, usize::MAX, usize::MAX, [9; 3]);
        assert_eq!(canvas.get(19, 9), Some([9; 3]));
        assert_ne!(font::glyph('é'), font::glyph('e'));
    }

    #[test]
    fn grid_holds_all_tiles() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::io("temporary folder"))?;
        let path = dir.path().join("grid.png");
        let bright = vec![1.0; 64 * 32];
        let tile =
            |n: usize| Tile { caption: format!("clip {n}: a caption longer than its picture"), width: 64, height: 32, values: &bright };
        write_grid(&path, &[tile(0), tile(1), tile(2)], 2, 1, Palette::Gray)?;
        let (_, w, h, bytes) = read(&path);
        assert_eq!((w, h), (6 + 2 * 70, 6 + 2 * 51));
        let white = bytes.chunks(3).filter(|p| p == &[255, 255, 255]).count();
        assert_eq!(white, 3 * 64 * 32);
        assert!(bytes.chunks(3).any(|p| p == [225, 225, 225]), "no captions");
        assert!(write_grid(&path, &[], 2, 1, Palette::Gray).is_err() && !path.with_extension("svg").exists());
        // The font has no such letters: they are text beside the picture.
        write_grid(&path, &[Tile { caption: "0.5 喜び + <Ärger>".into(), ..tile(0) }], 2, 1, Palette::Gray)?;
        assert!(!read(&path).3.chunks(3).any(|p| p == [225, 225, 225]), "boxes are drawn");
        let svg = std::fs::read_to_string(path.with_extension("svg")).map_err(Error::io(&path))?;
        assert!(svg.contains(">0.5 喜び + &lt;Ärger&gt;</text>") && svg.contains("href=\"grid.png\""), "{svg}");
        Ok(())
    }
}
