//! Prints predictions.

use crate::args::Format;
use anyhow::Result;
use emotone::train::predictor::Prediction;
use serde_json::{Map, Value, json};

/// One recording or window.
pub struct Row<'a> {
    /// Recording.
    pub name: &'a str,
    /// Start and end in seconds.
    pub window: Option<(f64, f64)>,
    /// What the model says.
    pub prediction: &'a Prediction,
}

/// Writes rows to standard output in one format.
pub struct Printer<'a> {
    format: Format,
    classes: &'a [String],
    /// The model says numbers, not classes.
    numbers: bool,
    csv: csv::Writer<std::io::Stdout>,
    rows: Vec<Value>,
    header: bool,
}

impl<'a> Printer<'a> {
    /// For a model's classes, or for the names of the numbers it says.
    pub fn new(format: Format, classes: &'a [String], numbers: bool) -> Self {
        Printer { format, classes, numbers, csv: csv::Writer::from_writer(std::io::stdout()), rows: Vec::new(), header: false }
    }

    fn object(&self, row: &Row) -> Value {
        let p = row.prediction;
        let values: Map<String, Value> = self.classes.iter().zip(&p.probabilities).map(|(c, p)| (c.clone(), json!(p))).collect();
        let mut object = match self.numbers {
            true => json!({ "file": row.name, "numbers": values }),
            false => json!({ "file": row.name, "label": self.classes[p.class], "probabilities": values }),
        };
        if let Some((from, to)) = row.window {
            object["start"] = json!(from);
            object["end"] = json!(to);
        }
        object
    }

    /// Prints or keeps a row.
    pub fn row(&mut self, row: &Row) -> Result<()> {
        let p = row.prediction;
        match self.format {
            Format::Text => {
                let window = row.window.map(|(a, b)| format!("  {a:8.2} - {b:8.2} s")).unwrap_or_default();
                let all: Vec<String> = self.classes.iter().zip(&p.probabilities).map(|(c, p)| format!("{c} {p:.3}")).collect();
                let all = all.join(", ");
                let answer = if self.numbers { all } else { format!("{}  ({all})", self.classes[p.class]) };
                println!("{}{window}  {answer}", row.name);
            }
            Format::Json => {
                let object = self.object(row);
                self.rows.push(object);
            }
            Format::Jsonl => println!("{}", self.object(row)),
            Format::Csv => {
                if !self.header {
                    let fixed = ["file", "start", "end"].iter().chain((!self.numbers).then_some(&"label")).map(|f| (*f).to_string());
                    self.csv.write_record(fixed.chain(self.classes.iter().cloned()))?;
                    self.header = true;
                }
                let (from, to) = row.window.map(|(a, b)| (a.to_string(), b.to_string())).unwrap_or_default();
                let mut fields = vec![row.name.to_string(), from, to];
                fields.extend((!self.numbers).then(|| self.classes[p.class].clone()));
                fields.extend(p.probabilities.iter().map(f32::to_string));
                self.csv.write_record(fields)?;
            }
        }
        Ok(())
    }

    /// Prints what was kept.
    pub fn finish(&mut self) -> Result<()> {
        if self.format == Format::Json {
            println!("{}", serde_json::to_string_pretty(&self.rows)?);
        }
        self.csv.flush()?;
        Ok(())
    }
}
