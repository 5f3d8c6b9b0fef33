//! Configurations as tables of TOML: one laid over another, keys checked against what is there.

use toml::{Table, Value};

use super::words::nearest;
use crate::{Error, Result};

/// Keys of earlier versions, and where their values are now.
const MOVED: &[(&str, &str)] = &[("train.loss", "task.emotion.loss"), ("train.joint_alpha", "stage.joint.tasks.speaker")];

/// Networks whose settings had a factor of their answers in earlier versions, which is a temperature in a model's recipe now.
const SCALED: &[&str] = &["svm", "encoder"];

/// Sections whose keys are names of the user's, and the key that a new entry must have: without it, the name is taken for a mistyped one.
const OPEN: &[(&str, &str)] = &[("stage", "tasks"), ("task", "target")];

/// Parses TOML.
///
/// # Errors
/// [`Error::Config`] with the place.
pub(super) fn parse_table(text: &str) -> Result<Table> {
    text.parse().map_err(|e: toml::de::Error| Error::Config(e.to_string().trim_end().to_string()))
}

/// A table with one value, at a dotted path.
pub(super) fn single(path: &str, value: Value) -> Table {
    let nested = path.rsplit('.').fold(value, |value, part| Value::Table([(part.to_string(), value)].into_iter().collect()));
    if let Value::Table(table) = nested { table } else { Table::new() }
}

/// Keys that stand for one of every stage.
const OF_EVERY_STAGE: &[&str] = &["lr", "epochs"];

/// Gives the values of `train.lr` and `train.epochs` to every stage of `base`, and of `over` itself, that is not given its own.
pub(super) fn spread(over: &mut Table, base: &Table) {
    let Some(train) = over.get_mut("train").and_then(Value::as_table_mut) else { return };
    let given: Vec<(&str, Value)> = OF_EVERY_STAGE.iter().filter_map(|key| Some((*key, train.remove(*key)?))).collect();
    let names = |table: &Table| table.get("stage").and_then(Value::as_table).map(|t| t.keys().cloned().collect::<Vec<_>>());
    let names: Vec<String> = [names(base), names(over)].into_iter().flatten().flatten().collect();
    for (key, value) in given {
        names.iter().for_each(|name| complete(over, &single(&format!("stage.{name}.{key}"), value.clone())));
    }
}

/// Moves values of keys that have another place now.
pub(super) fn modernise(table: &mut Table) {
    for (from, to) in MOVED {
        if let Some((section, key)) = from.split_once('.')
            && let Some(value) = table.get_mut(section).and_then(Value::as_table_mut).and_then(|s| s.remove(key))
        {
            complete(table, &single(to, value));
        }
    }
    if let Some(model) = table.get_mut("model").and_then(Value::as_table_mut)
        && model.get("name").and_then(Value::as_str).is_some_and(|name| SCALED.contains(&name))
    {
        model.remove("scale");
    }
}

/// Adds to tables the keys they lack.
pub(super) fn complete(given: &mut Table, whole: &Table) {
    for (key, value) in whole {
        match (given.get_mut(key), value) {
            (Some(Value::Table(given)), Value::Table(whole)) => complete(given, whole),
            (Some(_), _) => {}
            (None, value) => drop(given.insert(key.clone(), value.clone())),
        }
    }
}

/// The values of `table` that `base` has not, or has otherwise.
pub(super) fn differences(base: &Table, table: &Table) -> Table {
    let different = |(key, value): (&String, &Value)| match (base.get(key), value) {
        (Some(Value::Table(base)), Value::Table(inner)) => {
            let inner = differences(base, inner);
            (!inner.is_empty()).then(|| (key.clone(), Value::Table(inner)))
        }
        (Some(same), value) if same == value => None,
        _ => Some((key.clone(), value.clone())),
    };
    table.iter().filter_map(different).collect()
}

/// Replaces the values of `base` by those of `over`, which must be known and of the same type (integers pass for real numbers).
///
/// # Errors
/// [`Error::Config`] naming the key, with the nearest known one.
pub(super) fn merge(base: &mut Table, over: &Table) -> Result<()> {
    let all = base.leaves("");
    merge_at(base, over, "", &all)
}

fn merge_at(base: &mut Table, over: &Table, prefix: &str, all: &[String]) -> Result<()> {
    let path_of = |key: &str| if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") };
    for (key, value) in over {
        let path = path_of(key);
        if !base.contains_key(key) {
            let siblings: Vec<String> = base.keys().map(|k| path_of(k)).collect();
            base.insert(key.clone(), fresh(prefix, value).ok_or_else(|| unknown(&path, key, &siblings, all))?);
        }
        let Some(known) = base.get_mut(key) else { continue };
        match (known, value) {
            (Value::Table(inner), Value::Table(over)) => merge_at(inner, over, &path, all)?,
            (known @ Value::Float(_), Value::Integer(i)) => *known = Value::Float(*i as f64),
            (Value::Array(list), Value::Array(new)) => {
                let real = !list.is_empty() && list.iter().all(Value::is_float);
                let convert = |v: &Value| v.as_integer().filter(|_| real).map_or_else(|| v.clone(), |i| Value::Float(i as f64));
                *list = new.iter().map(convert).collect();
            }
            // Every integer of the configuration counts something.
            (Value::Integer(_), Value::Integer(i)) if *i < 0 => return Err(Error::Config(format!("{path} = {i}: must not be negative"))),
            (known, value) if known.same_type(value) => *known = value.clone(),
            (known, value) => return Err(Error::Config(format!("{path} = {value}: must be {}", kind(known)))),
        }
    }
    Ok(())
}

/// What a new entry starts from, where the section `prefix` takes one: a stage, a task, the weight of a task in a stage.
fn fresh(prefix: &str, value: &Value) -> Option<Value> {
    if prefix.starts_with("stage.") && prefix.ends_with(".tasks") {
        return Some(Value::Float(0.0));
    }
    let (_, needed) = OPEN.iter().find(|(section, _)| *section == prefix)?;
    value.get(needed)?;
    let start = match prefix {
        "stage" => "epochs = 10\nlr = 1e-3\ntrunk_lr = 0.0\nlayer_decay = 1.0\naugment = true\ntrains = []\ntasks = {}",
        _ => "target = \"\"\nhead = \"main\"\nloss = \"cross_entropy\"\nmetric = \"uar\"",
    };
    parse_table(start).ok().map(Value::Table)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a word in quotes",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section with keys of its own",
    }
}

/// The same key elsewhere first (`train.lr` for `stage.emotion.lr`), then a similar name in the same section.
fn unknown(path: &str, key: &str, siblings: &[String], all: &[String]) -> Error {
    let last = |p: &str| p.rsplit('.').next().unwrap_or_default().to_string();
    let names: Vec<String> = siblings.iter().map(|p| last(p)).collect();
    let near = nearest(key, names.iter().map(String::as_str)).and_then(|n| siblings.iter().find(|p| last(p) == n));
    let elsewhere: Vec<&str> = all.iter().filter(|p| last(p) == key).map(String::as_str).collect();
    let hint = match (elsewhere.as_slice(), near) {
        ([], None) => format!("known here: {}", names.join(", ")),
        ([], Some(near)) => format!("did you mean `{near}`?"),
        (elsewhere, _) => format!("did you mean `{}`?", elsewhere.join("`, `")),
    };
    let section = path.strip_suffix(key).and_then(|p| p.strip_suffix('.'));
    let new = OPEN
        .iter()
        .find(|(name, _)| section == Some(name))
        .map_or_else(String::new, |(name, needed)| format!("; a new {name} needs a value `{path}.{needed}`"));
    Error::Config(format!("unknown key `{path}`; {hint}{new}"))
}

/// Look-up by dotted paths.
pub(super) trait Dotted {
    /// The value at `path`.
    fn pointer(&self, path: &str) -> Option<&Value>;
    /// Paths of all values that are no tables.
    fn leaves(&self, prefix: &str) -> Vec<String>;
}

impl Dotted for Table {
    fn pointer(&self, path: &str) -> Option<&Value> {
        match path.split_once('.') {
            None => self.get(path),
            Some((head, rest)) => self.get(head)?.as_table()?.pointer(rest),
        }
    }

    fn leaves(&self, prefix: &str) -> Vec<String> {
        let path = |key: &str| if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") };
        self.iter()
            .flat_map(|(key, value)| match value {
                Value::Table(inner) => inner.leaves(&path(key)),
                _ => vec![path(key)],
            })
            .collect()
    }
}
