//! A line chart as SVG: what is measured solid, what the paper reports dashed, each on its own axis.

use emotone::text::escape;
use std::fmt::Write as _;

/// A curve: points (x, y, half the interval where there is one).
pub struct Curve {
    pub name: String,
    pub points: Vec<(f64, f64, Option<f64>)>,
    /// The paper's, on the right-hand axis.
    pub published: bool,
}

/// Width and height of the picture, and its margins.
const SIZE: (f64, f64) = (720.0, 420.0);
const MARGIN: (f64, f64, f64, f64) = (64.0, 24.0, 64.0, 92.0);
/// Colours that people with any colour vision tell apart (Okabe & Ito 2008).
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// An axis: its range, a little wider than the values.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn new(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        let room = 0.08 * (high - low).max(0.01);
        Axis { low: low - room, high: high + room, from, to }
    }

    fn at(&self, v: f64) -> f64 {
        self.from + (v - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Round values inside the range, four to nine of them.
    fn ticks(&self) -> Vec<f64> {
        let raw = (self.high - self.low) / 5.0;
        let unit = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * unit).find(|s| *s >= raw).unwrap_or(10.0 * unit);
        let first = (self.low / step).ceil() as i64;
        (first..).map(|k| k as f64 * step).take_while(|v| *v <= self.high).collect()
    }
}

/// Decimals that tell the ticks apart.
fn label(v: f64, ticks: &[f64]) -> String {
    let step = ticks.windows(2).map(|w| w[1] - w[0]).fold(1.0, f64::min);
    format!("{v:.*}", (-step.log10()).ceil().clamp(0.0, 6.0) as usize)
}

/// The chart.
pub fn draw(title: &str, x_label: &str, y_label: &str, curves: &[Curve]) -> String {
    let (left, top, right, bottom) = MARGIN;
    let (width, height) = SIZE;
    let of = |published: bool| curves.iter().filter(move |c| c.published == published);
    let spread = |(_, y, half): &(f64, f64, Option<f64>)| [y - half.unwrap_or(0.0), y + half.unwrap_or(0.0)];
    let x = Axis::new(curves.iter().flat_map(|c| c.points.iter().map(|p| p.0)), left, width - right);
    let ours = Axis::new(of(false).flat_map(|c| c.points.iter().flat_map(spread)), height - bottom, top + 20.0);
    let theirs = Axis::new(of(true).flat_map(|c| c.points.iter().flat_map(spread)), height - bottom, top + 20.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\" aria-label=\"{0}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n<text x=\"{left}\" y=\"20\" font-size=\"15\">{0}</text>\n",
        escape(title)
    );
    axes(&mut svg, &x, &ours, of(true).next().map(|_| &theirs), x_label, y_label);
    let mut names: Vec<&str> = Vec::new();
    for curve in curves {
        let colour = match names.iter().position(|n| *n == curve.name) {
            Some(i) => COLOURS[i % COLOURS.len()],
            None => {
                names.push(&curve.name);
                COLOURS[(names.len() - 1) % COLOURS.len()]
            }
        };
        plot(&mut svg, curve, &x, if curve.published { &theirs } else { &ours }, colour);
    }
    for (i, name) in names.iter().enumerate() {
        let (at, y) = (left + 160.0 * (i % 4) as f64, height - 30.0 + 18.0 * (i / 4) as f64);
        let colour = COLOURS[i % COLOURS.len()];
        let _ = writeln!(
            svg,
            "<line x1=\"{at}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"3\"/><text x=\"{}\" y=\"{}\">{}</text>",
            at + 22.0,
            at + 28.0,
            y + 4.0,
            escape(name)
        );
    }
    svg + "</svg>\n"
}

fn axes(svg: &mut String, x: &Axis, ours: &Axis, theirs: Option<&Axis>, x_label: &str, y_label: &str) {
    let ticks = x.ticks();
    for t in &ticks {
        let at = x.at(*t);
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"{:.1}\" x2=\"{at:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            ours.from,
            ours.to,
            ours.from + 18.0,
            label(*t, &ticks)
        );
    }
    let mut side = |axis: &Axis, at: f64, anchor: &str, grid: bool| {
        let ticks = axis.ticks();
        for t in &ticks {
            let y = axis.at(*t);
            if grid {
                let _ = writeln!(svg, "<line x1=\"{}\" y1=\"{y:.1}\" x2=\"{}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>", x.from, x.to);
            }
            let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>", y + 4.0, label(*t, &ticks));
        }
    };
    side(ours, x.from - 8.0, "end", true);
    if let Some(theirs) = theirs {
        side(theirs, x.to + 8.0, "start", false);
        let (at, y) = (SIZE.0 - 10.0, (ours.from + ours.to) / 2.0);
        let _ =
            writeln!(svg, "<text transform=\"translate({at},{y:.1}) rotate(90)\" text-anchor=\"middle\">the paper's F1 (dashed)</text>");
    }
    let (centre, y) = ((x.from + x.to) / 2.0, (ours.from + ours.to) / 2.0);
    let _ = writeln!(svg, "<text x=\"{centre:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>", ours.from + 38.0, escape(x_label));
    let _ = writeln!(svg, "<text transform=\"translate(16,{y:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>", escape(y_label));
}

fn plot(svg: &mut String, curve: &Curve, x: &Axis, y: &Axis, colour: &str) {
    let places: Vec<String> = curve.points.iter().map(|(u, v, _)| format!("{:.1},{:.1}", x.at(*u), y.at(*v))).collect();
    let dash = if curve.published { " stroke-dasharray=\"6 5\" opacity=\"0.55\"" } else { "" };
    let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>", places.join(" "));
    for (u, v, half) in curve.points.iter().filter(|_| !curve.published) {
        let (at, centre) = (x.at(*u), y.at(*v));
        let _ = writeln!(svg, "<circle cx=\"{at:.1}\" cy=\"{centre:.1}\" r=\"4\" fill=\"{colour}\"/>");
        if let Some(half) = half.filter(|h| *h > 0.0) {
            let (low, high) = (y.at(v - half), y.at(v + half));
            let _ = writeln!(svg, "<line x1=\"{at:.1}\" y1=\"{low:.1}\" x2=\"{at:.1}\" y2=\"{high:.1}\" stroke=\"{colour}\"/>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_inside_and_names_are_escaped() {
        let points = vec![(0.0, 0.5, Some(0.1)), (0.36, 0.9, None)];
        let curves = [
            Curve { name: "a < b".into(), points: points.clone(), published: false },
            Curve { name: "a < b".into(), points: vec![(0.1, 0.95, None)], published: true },
        ];
        let svg = draw("Title & more", "share", "UAR", &curves);
        assert!(svg.contains("Title &amp; more") && svg.contains("a &lt; b") && !svg.contains("a < b"));
        assert_eq!((svg.matches("<circle").count(), svg.matches("<polyline").count(), svg.matches("a &lt; b").count()), (2, 2, 1));
        for part in svg.split("cx=\"").skip(1) {
            let at: f64 = part.split('"').next().unwrap().parse().unwrap();
            assert!((MARGIN.0..=SIZE.0 - MARGIN.2).contains(&at));
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        for (low, high) in [(0.0, 0.36), (0.952, 0.9659), (0.3, 0.3), (-3.0, 1200.0)] {
            let axis = Axis::new([low, high].into_iter(), 0.0, 1.0);
            let ticks = axis.ticks();
            assert!((3..=9).contains(&ticks.len()), "{low} {high}: {ticks:?}");
            let labels: std::collections::BTreeSet<String> = ticks.iter().map(|t| label(*t, &ticks)).collect();
            assert_eq!(labels.len(), ticks.len(), "{labels:?}");
        }
    }
}
