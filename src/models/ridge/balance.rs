//! What examples count, and what each is centred by.

use super::super::network::Examples;
use crate::words::words;
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// What examples are centred by where answers are for recordings of any other corpus.
    Centre {
        /// Their corpus.
        Corpus = "corpus",
        /// Their speaker, known by the mean of his deviations from the corpus, class by class.
        Speaker = "speaker",
    }
}

/// Recordings with which a speaker's own mean is believed half.
const HALF: f64 = 5.0;

/// Weights and centres of some examples. Examples alike in all that centres go by are a cell; a centre is a weighted sum of cells.
pub(super) struct Balance {
    /// Each example's versions per recording, over its weight.
    pub share: Vec<f64>,
    /// The corpus of each.
    pub corpus: Vec<usize>,
    /// The cell of each.
    pub cell: Vec<usize>,
    /// The centre of each.
    pub centre: Vec<usize>,
    /// Of each centre cells, and the factor of the sum of their examples. The last is that of the answers.
    pub centres: Vec<Vec<(usize, f64)>>,
    /// Cells.
    pub cells: usize,
    /// Classes of each corpus, with the examples of each.
    classes: BTreeMap<usize, Vec<usize>>,
    /// The corpus that answers are for.
    home: Option<usize>,
}

impl Balance {
    /// That of the examples `rows`.
    pub fn of(examples: &Examples, rows: &[usize], centre: Centre) -> Balance {
        let mut classes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &i in rows {
            classes.entry(examples.corpora[i]).or_insert_with(|| vec![0; examples.outputs])[examples.classes[i]] += 1;
        }
        let by_speaker = examples.home.is_none() && centre == Centre::Speaker;
        let speaker = |i: usize| examples.speakers[i].filter(|_| by_speaker).map(|s| (s, examples.versions[i]));
        let group = |i: usize| (examples.corpora[i], speaker(i));
        let groups: BTreeMap<_, usize> = numbered(rows.iter().map(|&i| group(i)));
        let cells: BTreeMap<_, usize> = numbered(rows.iter().map(|&i| (group(i), examples.classes[i])));
        let mut sizes = vec![0usize; cells.len()];
        let cell: Vec<usize> = rows.iter().map(|&i| cells[&(group(i), examples.classes[i])]).collect();
        cell.iter().for_each(|&c| sizes[c] += 1);
        let mut balance = Balance {
            share: shares(examples, rows, &classes),
            corpus: rows.iter().map(|&i| examples.corpora[i]).collect(),
            centre: rows.iter().map(|&i| groups[&group(i)]).collect(),
            cell,
            centres: Vec::new(),
            cells: cells.len(),
            classes,
            home: examples.home,
        };
        let listed: Vec<Cell> =
            cells.iter().map(|(((corpus, speaker), class), &n)| Cell::new((*corpus, *speaker), *class, sizes[n])).collect();
        balance.centres = groups.keys().map(|(corpus, speaker)| balance.centre_of(&listed, *corpus, *speaker)).collect();
        balance.centres.push(balance.centre_of_answers(&listed));
        balance
    }

    /// The mean of a corpus whose classes count alike; of a known speaker with his share of the mean of his deviations from it, class by class.
    fn centre_of(&self, cells: &[Cell], corpus: usize, speaker: Option<(usize, usize)>) -> Vec<(usize, f64)> {
        let counts = &self.classes[&corpus];
        let present = counts.iter().filter(|n| **n > 0).count() as f64;
        let own: Vec<&Cell> = cells.iter().filter(|c| speaker.is_some() && c.group == (corpus, speaker)).collect();
        let (heard, n) = (own.len() as f64, own.iter().map(|c| c.size).sum::<usize>() as f64);
        let believed = if own.is_empty() { 0.0 } else { n / (n + HALF) / heard };
        let factor = |cell: &Cell| {
            let of_class = 1.0 / counts[cell.class] as f64;
            let deviates = own.iter().any(|own| own.class == cell.class);
            let own = if cell.group == (corpus, speaker) { 1.0 / cell.size as f64 } else { 0.0 };
            of_class / present + if deviates { believed * (own - of_class) } else { 0.0 }
        };
        cells.iter().enumerate().filter(|(_, c)| c.group.0 == corpus).map(|(n, c)| (n, factor(c))).collect()
    }

    /// The mean of the home corpus, or of all of them.
    fn centre_of_answers(&self, cells: &[Cell]) -> Vec<(usize, f64)> {
        let of: Vec<usize> = self.classes.keys().copied().filter(|c| self.home.is_none_or(|home| home == *c)).collect();
        let mean = |corpus: &usize| self.centre_of(cells, *corpus, None);
        of.iter().flat_map(mean).map(|(cell, factor)| (cell, factor / of.len() as f64)).collect()
    }

    /// The target of example `n` (of those that this is of) for a class, less the mean of its corpus: 1 of its own class and −1 of another; none
    /// where the corpus does not know the class.
    pub fn target(&self, n: usize, own: bool, class: usize) -> Option<f64> {
        let counts = &self.classes[&self.corpus[n]];
        let present = counts.iter().filter(|n| **n > 0).count() as f64;
        (counts[class] > 0).then(|| if own { 1.0 } else { -1.0 } - (2.0 / present - 1.0))
    }

    /// What is answered in the centre for a class: the mean target, or that of the rest where nobody knows it.
    pub fn level(&self, class: usize) -> f64 {
        let known = |class: usize| self.classes.iter().any(|(c, counts)| counts[class] > 0 && self.home.is_none_or(|home| home == *c));
        let outputs = self.classes.values().next().map_or(0, Vec::len);
        let present = (0..outputs).filter(|class| known(*class)).count() as f64;
        if known(class) { 2.0 / present - 1.0 } else { -1.0 }
    }

    /// Sums over the cells of a value of each example.
    pub fn sums(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.cells];
        self.cell.iter().zip(values).for_each(|(&cell, v)| sums[cell] += v);
        sums
    }

    /// The mean in each centre of a value of each example.
    pub fn means(&self, values: &[f64]) -> Vec<f64> {
        let sums = self.sums(values);
        self.centres.iter().map(|of| of.iter().map(|(cell, factor)| factor * sums[*cell]).sum()).collect()
    }

    /// The factors of the examples as they are in a sum of examples from which their centres are taken, with these factors.
    pub fn uncentred(&self, factors: &[f64]) -> Vec<f64> {
        let mut of_centres = vec![0.0; self.centres.len()];
        self.centre.iter().zip(factors).for_each(|(&centre, f)| of_centres[centre] += f);
        let mut of_cells = vec![0.0; self.cells];
        for (centre, sum) in self.centres.iter().zip(&of_centres) {
            centre.iter().for_each(|(cell, factor)| of_cells[*cell] += factor * sum);
        }
        factors.iter().zip(&self.cell).map(|(f, &cell)| f - of_cells[cell]).collect()
    }
}

/// Examples of one corpus, one class, and where centres go by speakers of one speaker's versions of one kind.
struct Cell {
    group: (usize, Option<(usize, usize)>),
    class: usize,
    size: usize,
}

impl Cell {
    fn new(group: (usize, Option<(usize, usize)>), class: usize, size: usize) -> Self {
        Cell { group, class, size }
    }
}

/// What is there, each with its number in ascending order.
fn numbered<T: Ord>(all: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let all: BTreeSet<T> = all.collect();
    all.into_iter().enumerate().map(|(n, value)| (value, n)).collect()
}

/// Versions of a recording over the weight of each example: n / (classes · examples of its class) within a corpus, times its own weight over the
/// mean of these. Where answers are for any other corpus the weights of each sum to the same.
fn shares(examples: &Examples, rows: &[usize], classes: &BTreeMap<usize, Vec<usize>>) -> Vec<f64> {
    let size = |corpus: usize| classes[&corpus].iter().sum::<usize>() as f64;
    let versions = |corpus: Option<usize>| {
        let own = rows.iter().filter(|&&i| corpus.is_none_or(|c| c == examples.corpora[i]));
        let recordings: BTreeSet<usize> = own.clone().map(|&i| examples.originals[i]).collect();
        own.count() as f64 / recordings.len().max(1) as f64
    };
    let of_all = versions(None);
    let mean = rows.iter().map(|&i| examples.weights[i]).sum::<f64>() / rows.len().max(1) as f64;
    let of: BTreeMap<usize, f64> = classes.keys().map(|&c| (c, if examples.home.is_some() { versions(Some(c)) } else { of_all })).collect();
    let share = |&i: &usize| {
        let (corpus, counts) = (examples.corpora[i], &classes[&examples.corpora[i]]);
        let present = counts.iter().filter(|n| **n > 0).count() as f64;
        let within = size(corpus) / (present * counts[examples.classes[i]] as f64);
        let weight = if examples.home.is_some() { within } else { within * rows.len() as f64 / (classes.len() as f64 * size(corpus)) };
        of[&corpus] / (weight * (examples.weights[i] / mean))
    };
    rows.iter().map(share).collect()
}
