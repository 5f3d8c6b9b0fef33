//! What disturbances come to: accuracy and stability over all recordings, by sex and by speaker; calibration.

use emotone::Result;
use emotone::text;
use emotone::train::calibration::{Bin, expected_error, reliability, sure};
use emotone::train::metrics::Confusion;
use emotone::train::predictor::Prediction;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What is known of a recording.
#[derive(Clone, Default)]
pub struct Known {
    pub class: usize,
    pub speaker: Option<String>,
    pub sex: Option<String>,
}

/// Figures of a group of recordings.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Figures {
    pub clips: usize,
    /// Unweighted average recall.
    pub uar: Option<f64>,
    /// The same less that of the recordings as they are.
    pub uar_change: Option<f64>,
    /// Share recognised.
    pub wa: Option<f64>,
    /// Share of the answers that are those to the recordings as they are.
    pub equal: f64,
    /// Mean absolute change of the true class's probability.
    pub moved: f64,
    /// Expected calibration error.
    pub ece: Option<f64>,
}

/// A disturbance.
#[derive(Serialize)]
pub struct Line {
    pub name: &'static str,
    pub what: &'static str,
    pub all: Figures,
    pub by_sex: BTreeMap<String, Figures>,
    pub by_speaker: BTreeMap<String, Figures>,
}

/// What `robustness.json` holds.
#[derive(Serialize)]
pub struct Report {
    /// Models, and what was asked of them.
    pub title: String,
    pub classes: Vec<String>,
    pub disturbances: Vec<Line>,
    /// Of the recordings as they are.
    pub reliability: Vec<Bin>,
}

/// A name in a table of Markdown.
fn cell(name: &str) -> String {
    text::printable(name).replace('|', "\\|")
}

/// Figures of those recordings that `of` takes.
fn figures(
    classes: &[String],
    known: &[Known],
    (before, after): (&[Prediction], &[Prediction]),
    of: &dyn Fn(&Known) -> bool,
) -> Result<Figures> {
    let own: Vec<usize> = (0..known.len()).filter(|&i| of(&known[i])).collect();
    let matrix = |said: &[Prediction]| {
        let pairs = own.iter().map(|&i| (known[i].class, said[i].class));
        let (truth, predicted): (Vec<usize>, Vec<usize>) = pairs.unzip();
        Confusion::from_pairs(classes, &truth, &predicted)
    };
    let (was, is) = (matrix(before)?, matrix(after)?);
    let share = |f: &dyn Fn(usize) -> f64| own.iter().map(|&i| f(i)).sum::<f64>() / own.len().max(1) as f64;
    let sure = own.iter().map(|&i| sure(&after[i].probabilities, known[i].class));
    Ok(Figures {
        clips: own.len(),
        uar: is.uar(),
        uar_change: is.uar().zip(was.uar()).map(|(is, was)| is - was),
        wa: is.accuracy(),
        equal: share(&|i| f64::from(u8::from(before[i].class == after[i].class))),
        moved: share(&|i| f64::from((before[i].probabilities[known[i].class] - after[i].probabilities[known[i].class]).abs())),
        ece: expected_error(&reliability(sure)),
    })
}

impl Report {
    /// Of what was said of all recordings under each disturbance, of which the first is none.
    pub fn new(
        title: String,
        classes: &[String],
        known: &[Known],
        said: &[((&'static str, &'static str), Vec<Prediction>)],
    ) -> Result<Self> {
        let before = &said[0].1;
        let groups = |of: fn(&Known) -> Option<&String>, after: &[Prediction]| {
            let names: std::collections::BTreeSet<&String> = known.iter().filter_map(of).collect();
            let one = |name: &String| Ok((name.clone(), figures(classes, known, (before, after), &|k| of(k) == Some(name))?));
            names.into_iter().map(one).collect::<Result<BTreeMap<_, _>>>()
        };
        let line = |((name, what), after): &((&'static str, &'static str), Vec<Prediction>)| {
            Ok(Line {
                name,
                what,
                all: figures(classes, known, (before, after), &|_| true)?,
                by_sex: groups(|k| k.sex.as_ref(), after)?,
                by_speaker: groups(|k| k.speaker.as_ref(), after)?,
            })
        };
        let disturbances = said.iter().map(line).collect::<Result<_>>()?;
        let reliability = reliability(before.iter().zip(known).map(|(p, k)| sure(&p.probabilities, k.class)));
        Ok(Report { title, classes: classes.to_vec(), disturbances, reliability })
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("# Robustness\n\n{}\n\nClasses: {}.\n\n", cell(&self.title), cell(&text::names(&self.classes)));
        text += "UAR: unweighted average recall. Equal: share of the answers that are those to the recordings as they are. Moved: mean absolute \
                 change of the true class's probability. ECE: expected calibration error.\n\n";
        text += "| disturbance | UAR | change | WA | equal | moved | ECE | |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n";
        let value = |v: Option<f64>| v.map_or_else(|| "-".to_string(), |v| format!("{v:.3}"));
        for Line { name, what, all, .. } in &self.disturbances {
            let change = all.uar_change.map_or_else(|| "-".to_string(), |v| format!("{v:+.3}"));
            let (uar, wa, ece) = (value(all.uar), value(all.wa), value(all.ece));
            let _ = writeln!(text, "| {name} | {uar} | {change} | {wa} | {:.3} | {:.3} | {ece} | {what} |", all.equal, all.moved);
        }
        text += &self.groups("By sex", |line| &line.by_sex);
        text += &self.groups("By speaker", |line| &line.by_speaker);
        text +=
            "\n## Calibration of the recordings as they are\n\n| sure of | clips | mean probability | right |\n| --- | --- | --- | --- |\n";
        let bins = self.reliability.len() as f64;
        for (i, bin) in self.reliability.iter().enumerate().filter(|(_, bin)| bin.clips > 0) {
            let (from, to) = (i as f64 / bins, (i + 1) as f64 / bins);
            let _ = writeln!(text, "| {from:.2} to {to:.2} | {} | {:.3} | {:.3} |", bin.clips, bin.confidence, bin.accuracy);
        }
        text
    }

    /// Recall of each group as it is, and under the disturbance that costs it most.
    fn groups(&self, heading: &str, of: fn(&Line) -> &BTreeMap<String, Figures>) -> String {
        let Some(first) = self.disturbances.first().filter(|line| !of(line).is_empty()) else { return String::new() };
        let mut text = format!("\n## {heading}\n\n| | clips | UAR | lowest under a disturbance | |\n| --- | --- | --- | --- | --- |\n");
        for (group, own) in of(first) {
            let others = self.disturbances[1..].iter().filter_map(|line| Some((of(line).get(group)?.uar?, line.name)));
            let worst = others.fold(None, |worst: Option<(f64, &str)>, new| worst.filter(|w| w.0 <= new.0).or(Some(new)));
            let (lowest, name) = worst.map_or_else(|| ("-".into(), ""), |(uar, name)| (format!("{uar:.3}"), name));
            let uar = own.uar.map_or_else(|| "-".to_string(), |v| format!("{v:.3}"));
            let _ = writeln!(text, "| {} | {} | {uar} | {lowest} | {name} |", cell(group), own.clips);
        }
        text
    }

    /// The reliability diagram as SVG: how often answers are right, by how sure they are; on the diagonal they are right as often as they say.
    pub fn diagram(&self) -> String {
        let side = 400.0;
        let (left, top) = (60.0, 20.0);
        let (x, y) = (|v: f64| left + v * side, |v: f64| top + (1.0 - v) * side);
        let mut svg = String::from(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"490\" height=\"480\" font-family=\"sans-serif\" font-size=\"13\">\n",
        );
        let _ = writeln!(svg, "<rect width=\"490\" height=\"480\" fill=\"white\"/>");
        let width = side / self.reliability.len().max(1) as f64;
        for (i, bin) in self.reliability.iter().enumerate().filter(|(_, bin)| bin.clips > 0) {
            let _ = writeln!(
                svg,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#0072b2\"><title>{} clips, sure of {:.3}, right {:.3}</title></rect>",
                left + i as f64 * width + 1.0,
                y(bin.accuracy),
                width - 2.0,
                bin.accuracy * side,
                bin.clips,
                bin.confidence,
                bin.accuracy
            );
        }
        let _ = writeln!(
            svg,
            "<path d=\"M{0} {1}L{2} {1}M{0} {1}L{0} {3}M{0} {1}L{2} {3}\" stroke=\"black\" fill=\"none\"/>",
            x(0.0),
            y(0.0),
            x(1.0),
            y(1.0)
        );
        for v in [0.0, 0.5, 1.0] {
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{v}</text>", x(v), y(0.0) + 18.0);
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{v}</text>", left - 8.0, y(v) + 4.0);
        }
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"465\" text-anchor=\"middle\">probability of the chosen class</text>", x(0.5));
        let _ = writeln!(
            svg,
            "<text transform=\"translate(18 {:.1}) rotate(-90)\" text-anchor=\"middle\">share that is right</text>\n</svg>",
            y(0.5)
        );
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(p: [f32; 2]) -> Prediction {
        Prediction { class: usize::from(p[1] > p[0]), probabilities: p.to_vec() }
    }

    #[test]
    fn figures_by_hand() {
        let person = |class, speaker: &str, sex: &str| Known { class, speaker: Some(speaker.into()), sex: Some(sex.into()) };
        let known = [person(0, "a", "F"), person(1, "a", "F"), person(0, "b", "M"), Known { class: 1, ..Known::default() }];
        let before = [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]].map(said).to_vec();
        let after = [[0.9, 0.1], [0.6, 0.4], [0.4, 0.6], [0.4, 0.6]].map(said).to_vec();
        let classes = ["joy".to_string(), "fear".to_string()];
        let report = Report::new("t".into(), &classes, &known, &[(("none", ""), before), (("hum", ""), after)]).unwrap();
        let hum = &report.disturbances[1];
        assert_eq!((hum.all.clips, hum.all.uar, hum.all.uar_change, hum.all.equal), (4, Some(0.5), Some(-0.5), 0.5));
        assert!((hum.all.moved - (0.4 + 0.3) / 4.0).abs() < 1e-6, "{:?}", hum.all);
        assert_eq!((hum.by_sex["F"].uar, hum.by_sex["M"].uar, hum.by_speaker.len()), (Some(0.5), Some(0.0), 2));
        assert!((report.disturbances[0].all.ece.unwrap() - 0.25).abs() < 1e-6, "{:?}", report.disturbances[0].all);
        let text = report.markdown();
        assert!(
            text.contains("| hum | 0.500 | -0.500 | 0.500 | 0.500 | 0.175 |") && text.contains("| a | 2 | 1.000 | 0.500 | hum |"),
            "{text}"
        );
        assert_eq!(report.diagram().matches("<title>").count(), 4);
    }
}
