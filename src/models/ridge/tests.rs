use super::super::cholesky::dot;
use super::*;
use crate::gpu::AdapterRequest;
use crate::graph::Shape;
use crate::nn::Weights;
use crate::reference::noise;

/// Owned examples.
struct Made {
    inputs: Vec<Vec<f32>>,
    classes: Vec<usize>,
    answers: Vec<Vec<f32>>,
    corpora: Vec<usize>,
    home: Option<usize>,
    speakers: Vec<Option<usize>>,
    versions: Vec<usize>,
    originals: Vec<usize>,
    weights: Vec<f64>,
    given: Weights,
}

const OUTPUTS: usize = 3;
const WIDTH: usize = 7;

impl Made {
    /// So many recordings of each corpus with so many versions each; every third recording of one of four speakers. Corpus 2 does not know the
    /// last class.
    fn new(corpora: &[(usize, usize, usize)], home: Option<usize>) -> Self {
        let (inputs, classes, given) = (Vec::new(), Vec::new(), Weights::new());
        let (answers, weights) = (Vec::new(), Vec::new());
        let mut made =
            Made { inputs, classes, answers, corpora: vec![], home, speakers: vec![], versions: vec![], originals: vec![], weights, given };
        let mut recording = 0;
        for &(corpus, n, versions) in corpora {
            for i in 0..n {
                let class = (i * i + i / 5) % if corpus == 2 { 2 } else { OUTPUTS };
                for version in 0..versions {
                    let value = |(d, v): (usize, f64)| (v + f64::from(u8::from(d % OUTPUTS == class)) + 0.3 * (corpus * d) as f64) as f32;
                    made.inputs.push(noise((100 * recording + version) as u64, WIDTH).into_iter().enumerate().map(value).collect());
                    made.classes.push(class);
                    made.corpora.push(corpus);
                    made.speakers.push(Some(10 * corpus + i % 4));
                    made.versions.push(version);
                    made.originals.push(recording);
                    made.weights.push(1.0);
                }
                recording += 1;
            }
        }
        made
    }

    fn examples(&self) -> Examples<'_> {
        self.some(&(0..self.inputs.len()).collect::<Vec<_>>())
    }

    fn some(&self, rows: &[usize]) -> Examples<'_> {
        let pick = |of: &[usize]| rows.iter().map(|&i| of[i]).collect::<Vec<_>>();
        Examples {
            inputs: rows.iter().map(|&i| self.inputs[i].as_slice()).collect(),
            classes: pick(&self.classes),
            answers: rows.iter().filter_map(|&i| self.answers.get(i).cloned()).collect(),
            outputs: OUTPUTS,
            corpora: pick(&self.corpora),
            home: self.home,
            speakers: rows.iter().map(|&i| self.speakers[i]).collect(),
            versions: pick(&self.versions),
            originals: pick(&self.originals),
            recordings: pick(&self.originals),
            weights: rows.iter().map(|&i| self.weights[i]).collect(),
            given: &self.given,
        }
    }

    fn solve(&self, terms: &Terms) -> Ridge {
        solve(None, &self.examples(), terms, &mut |_, _| Ok(())).unwrap()
    }

    /// Weights to start from, of which some standardise as well.
    fn start(&mut self, standard: bool) {
        let values = |seed: u64, n: usize, around: f32| noise(seed, n).into_iter().map(|v| around + 0.3 * v as f32).collect::<Vec<f32>>();
        self.given.insert("weight".into(), (Shape(vec![OUTPUTS, WIDTH]), values(5, OUTPUTS * WIDTH, 0.0)));
        self.given.insert("bias".into(), (Shape(vec![OUTPUTS]), values(6, OUTPUTS, 0.1)));
        if standard {
            self.given.insert("mean".into(), (Shape(vec![WIDTH]), values(7, WIDTH, 0.2)));
            self.given.insert("std".into(), (Shape(vec![WIDTH]), values(8, WIDTH, 1.5)));
        }
    }

    fn started(&self) -> Vec<f64> {
        self.given.get("weight").map_or_else(|| vec![0.0; OUTPUTS * WIDTH], |(_, v)| v.iter().map(|v| f64::from(*v)).collect())
    }

    /// The recordings of a class and a corpus, with their versions.
    fn of(&self, corpus: usize, class: usize) -> Vec<usize> {
        (0..self.inputs.len()).filter(|&i| self.corpora[i] == corpus && self.classes[i] == class).collect()
    }

    fn known(&self, corpus: usize) -> Vec<usize> {
        (0..OUTPUTS).filter(|&class| !self.of(corpus, class).is_empty()).collect()
    }

    fn names(&self) -> Vec<usize> {
        (0..3).filter(|c| self.corpora.contains(c)).collect()
    }

    fn z(&self, found: &Ridge, i: usize) -> Vec<f64> {
        let s = &found.standard;
        let reach = if s.reach == 0.0 { 1e9 } else { s.reach };
        (0..WIDTH).map(|d| ((f64::from(self.inputs[i][d]) - f64::from(s.mean[d])) / f64::from(s.std[d])).max(-reach).min(reach)).collect()
    }

    /// The mean of a corpus whose classes count alike.
    fn mean(&self, z: &[Vec<f64>], corpus: usize) -> Vec<f64> {
        let classes: Vec<Vec<f64>> = self.known(corpus).iter().map(|&class| mean(z, &self.of(corpus, class))).collect();
        mean(&classes, &(0..classes.len()).collect::<Vec<_>>())
    }

    /// The centre of an example, as the recipe has it in words.
    fn centre(&self, z: &[Vec<f64>], i: usize, by_speaker: bool) -> Vec<f64> {
        let mut centre = self.mean(z, self.corpora[i]);
        if by_speaker && self.speakers[i].is_some() {
            let own = |class: usize| -> Vec<usize> {
                let same = |&j: &usize| self.speakers[j] == self.speakers[i] && self.versions[j] == self.versions[i];
                self.of(self.corpora[i], class).into_iter().filter(same).collect()
            };
            let heard: Vec<usize> = (0..OUTPUTS).filter(|&class| !own(class).is_empty()).collect();
            let n = heard.iter().map(|&class| own(class).len()).sum::<usize>() as f64;
            for &class in &heard {
                let (of_cell, of_class) = (mean(z, &own(class)), mean(z, &self.of(self.corpora[i], class)));
                centre.iter_mut().enumerate().for_each(|(d, c)| *c += n / (n + 5.0) * (of_cell[d] - of_class[d]) / heard.len() as f64);
            }
        }
        centre
    }
}

fn mean(z: &[Vec<f64>], rows: &[usize]) -> Vec<f64> {
    (0..z[0].len()).map(|d| rows.iter().map(|&i| z[i][d]).sum::<f64>() / rows.len() as f64).collect()
}

/// Solves by elimination.
fn eliminate(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        for j in i + 1..n {
            let f = a[j][i] / a[i][i];
            let row = a[i].clone();
            a[j].iter_mut().zip(&row).for_each(|(v, w)| *v -= f * w);
            b[j] -= f * b[i];
        }
    }
    for i in (0..n).rev() {
        b[i] = (b[i] - (i + 1..n).map(|j| a[i][j] * b[j]).sum::<f64>()) / a[i][i];
    }
    b
}

/// Weights, bias and objective of each class by the primal problem, dense, on vectors with a part for each corpus.
fn primal(made: &Made, found: &Ridge, terms: &Terms) -> Vec<(Vec<f64>, f64, f64)> {
    let z: Vec<Vec<f64>> = (0..made.inputs.len()).map(|i| made.z(found, i)).collect();
    let (names, unseen) = (made.names(), made.home.is_none());
    let coupling = if unseen { 1.0 } else { terms.coupling };
    let centred: Vec<Vec<f64>> = (0..z.len())
        .map(|i| {
            let centre = made.centre(&z, i, unseen && terms.centre == Centre::Speaker);
            z[i].iter().zip(&centre).map(|(z, c)| z - c).collect()
        })
        .collect();
    let parts = |i: usize| -> Vec<f64> {
        let own = |c: usize| if c == made.corpora[i] { (1.0 - coupling).sqrt() } else { 0.0 };
        let factors = std::iter::once(coupling.sqrt()).chain(names.iter().map(|&c| own(c)));
        factors.flat_map(|f| centred[i].iter().map(move |v| f * v)).collect()
    };
    let x: Vec<Vec<f64>> = (0..z.len()).map(parts).collect();
    let rows = |c: Option<usize>| (0..z.len()).filter(|&i| c.is_none_or(|c| made.corpora[i] == c)).collect::<Vec<_>>();
    let versions = |c: Option<usize>| {
        let own = rows(c);
        own.len() as f64 / own.iter().filter(|&&i| made.versions[i] == 0).count() as f64
    };
    let weigh = |i: usize| {
        let (c, known) = (made.corpora[i], made.known(made.corpora[i]).len() as f64);
        let n = if unseen { z.len() as f64 / names.len() as f64 } else { rows(Some(c)).len() as f64 };
        let own = made.weights[i] * z.len() as f64 / made.weights.iter().sum::<f64>();
        own * n / (known * made.of(c, made.classes[i]).len() as f64) / versions(if unseen { None } else { Some(c) })
    };
    let (weight, started): (Vec<f64>, _) = ((0..z.len()).map(weigh).collect(), made.started());
    let solve = |class: usize| {
        let start = &started[class * WIDTH..][..WIDTH];
        let target = |i: usize| {
            let known = made.known(made.corpora[i]);
            let t = if made.classes[i] == class { 1.0 } else { -1.0 };
            let middle = 2.0 / known.len() as f64 - 1.0;
            if known.contains(&class) { t - middle - dot(start, &centred[i]) } else { 0.0 }
        };
        let targets: Vec<f64> = (0..z.len()).map(target).collect();
        let n = x[0].len();
        let penalty = terms.penalty * WIDTH as f64;
        let sum =
            |a: usize, b: usize| (0..x.len()).map(|i| weight[i] * x[i][a] * x[i][b]).sum::<f64>() + if a == b { penalty } else { 0.0 };
        let h = (0..n).map(|a| (0..n).map(|b| sum(a, b)).collect()).collect();
        let w = eliminate(h, (0..n).map(|a| (0..x.len()).map(|i| weight[i] * x[i][a] * targets[i]).sum()).collect());
        let error = |i: usize| weight[i] * (targets[i] - dot(&x[i], &w)).powi(2);
        let objective = (0..x.len()).map(error).sum::<f64>() + penalty * dot(&w, &w);
        let own = made.home.map_or(0.0, |_| (1.0 - coupling).sqrt());
        let place = made.home.map_or(0, |home| 1 + names.iter().position(|c| *c == home).unwrap());
        let w: Vec<f64> = (0..WIDTH).map(|d| start[d] + coupling.sqrt() * w[d] + own * w[place * WIDTH + d]).collect();
        let middles: Vec<Vec<f64>> = made.home.map_or(names.clone(), |home| vec![home]).iter().map(|&c| made.mean(&z, c)).collect();
        let middle = mean(&middles, &(0..middles.len()).collect::<Vec<_>>());
        let level = 2.0 / made.home.map_or(OUTPUTS, |home| made.known(home).len()) as f64 - 1.0;
        let bias = level - dot(&w, &middle);
        (w, bias, objective)
    };
    (0..OUTPUTS).map(solve).collect()
}

fn terms(reach: f64, centre: Centre) -> Terms {
    Terms { penalty: 0.3, coupling: 0.3, reach, centre }
}

/// One corpus and several, copies, a class that one does not know, with and without weights to start from: what the primal problem says.
#[test]
fn machines_are_those_of_the_primal_problem() {
    let several = [(0, 17, 3), (1, 26, 1), (2, 12, 2)];
    for (corpora, home) in [(&several[..1], Some(0)), (&several[..], Some(0)), (&several[..], Some(1)), (&several[..], None)] {
        for (reach, centre) in [(0.0, Centre::Corpus), (1.0, Centre::Speaker)] {
            for start in [None, Some(false), Some(true)] {
                let mut made = Made::new(corpora, home);
                start.into_iter().for_each(|standard| made.start(standard));
                if start == Some(true) {
                    // Recordings count differently, all versions of one alike.
                    made.weights = made.originals.iter().map(|n| 0.5 + (n % 3) as f64).collect();
                }
                let terms = terms(reach, centre);
                let found = made.solve(&terms);
                assert_eq!(found.standard.reach, reach);
                for (class, (weight, bias, objective)) in primal(&made, &found, &terms).into_iter().enumerate() {
                    let what = format!("class {class} of {} corpora for {home:?}, {reach}, {centre:?}, {start:?}", corpora.len());
                    let got = &found.weight[class * WIDTH..][..WIDTH];
                    assert!(got.iter().zip(&weight).all(|(a, b)| (a - b).abs() < 1e-9), "{what}: {got:?} is not {weight:?}");
                    assert!((found.bias[class] - bias).abs() < 1e-9, "{what}: {} is not {bias}", found.bias[class]);
                    assert!(
                        (found.objective[class] - objective).abs() < 1e-9 * objective,
                        "{what}: {} {objective}",
                        found.objective[class]
                    );
                    assert!(found.gap[class] >= 0.0 && found.gap[class] < 1e-12 * objective, "{what}: gap {}", found.gap[class]);
                }
            }
        }
    }
}

/// What clips are brought to is the mean of corpora, copies left out, or what a model to start from has.
#[test]
fn corpora_count_alike_in_the_standard() {
    let mut made = Made::new(&[(0, 30, 1), (1, 10, 2)], Some(0));
    made.inputs.iter_mut().for_each(|x| x[3] = 2.5);
    made.inputs.iter_mut().zip(&made.corpora).for_each(|(x, c)| x[4] = *c as f32);
    let found = made.solve(&terms(0.0, Centre::Corpus)).standard;
    for d in 0..WIDTH {
        let own = |c: usize| -> Vec<f64> {
            let rows = (0..made.inputs.len()).filter(|&i| made.corpora[i] == c && made.versions[i] == 0);
            rows.map(|i| f64::from(made.inputs[i][d])).collect()
        };
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let var = |of: &[f64]| mean(&of.iter().map(|v| (v - mean(of)).powi(2)).collect::<Vec<_>>());
        let (a, b) = (own(0), own(1));
        let std = (0.5 * (var(&a) + var(&b))).sqrt();
        let std = if std < 1e-8 { 1.0 } else { std };
        assert!((f64::from(found.mean[d]) - 0.5 * (mean(&a) + mean(&b))).abs() < 1e-6, "{d}");
        assert!((f64::from(found.std[d]) - std).abs() < 1e-6, "{d}: {} is not {std}", found.std[d]);
    }
    made.start(true);
    let given = made.solve(&terms(0.0, Centre::Corpus)).standard;
    assert!(given.mean == made.given["mean"].1 && given.std == made.given["std"].1);
}

/// Answers to a part are those of machines that are solved on the others alone.
#[test]
fn held_out_answers_are_those_without_their_part() {
    for (home, start) in [(Some(0), false), (Some(0), true), (None, false)] {
        for corpora in [&[(0, 17, 3), (1, 26, 1), (2, 12, 2)][..], &[(0, 20, 2), (1, 15, 1)]] {
            let mut made = Made::new(corpora, home);
            made.start(true);
            if !start {
                made.given.remove("weight");
            }
            let terms = terms(1.5, Centre::Speaker);
            let found = made.solve(&terms);
            let (by, parts) = parts::parts(&made.examples());
            assert_eq!((by, found.divided_by), (if home.is_none() && corpora.len() == 3 { "corpus" } else { "speaker" }, by));
            assert_eq!(found.held_out.len(), parts.iter().map(|p| p.asked.len()).sum::<usize>());
            for part in &parts {
                let alone = solve(None, &made.some(&part.trained), &terms, &mut |_, _| Ok(())).unwrap();
                for &i in &part.asked {
                    let (_, answers) = found.held_out.iter().find(|(n, _)| *n == i).unwrap();
                    for (class, answer) in answers.iter().enumerate() {
                        let want = alone.bias[class] + dot(&alone.weight[class * WIDTH..][..WIDTH], &made.z(&alone, i));
                        assert!((answer - want).abs() < 1e-9, "example {i}, class {class}: {answer} is not {want}");
                    }
                }
            }
        }
    }
}

/// The device's products in several blocks and parts are the host's.
#[test]
fn products_of_the_device_are_those_of_the_host() {
    let Ok(device) = Device::open(&AdapterRequest::from_env()) else {
        return eprintln!("no adapter: products of many vectors are made on one");
    };
    let (n, width) = (1030, 4100);
    let inputs: Vec<Vec<f32>> = (0..n).map(|i| noise(i as u64, width).into_iter().map(|v| v as f32).collect()).collect();
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let standard = Standard::of(&inputs, &vec![0; n], &(0..n).collect::<Vec<_>>(), 1.5);
    let rows = Rows { inputs: &inputs, standard: &standard };
    let mut heard = 0;
    let k = gram::gram(Some(&device), &rows, &mut |_, _| {
        heard += 1;
        Ok(())
    });
    let k = k.unwrap();
    assert_eq!(heard, 6);
    let z = |i: usize| {
        let mut z = vec![0.0; width];
        rows.bring(i, 0, &mut z);
        z
    };
    for i in (0..n).step_by(103).chain([511, 575, 576, 1023, 1024, n - 1]) {
        for j in (0..=i).step_by(61).chain([i]) {
            let want = dot(&z(i), &z(j)) / width as f64;
            assert!((k.at(i, j) - want).abs() < 1e-6, "{i}, {j}: {} is not {want}", k.at(i, j));
        }
    }
}

/// A share of 1/4 for a teacher who says the same of every example leaves 3/4 of the weights and of what clips held out are answered; the rest of
/// the answers is what it says.
#[test]
fn a_teacher_has_its_share() {
    let said = [0.0f32, -0.4, -0.6];
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a}, wanted {b}");
    for (home, centre) in [(Some(0), Centre::Corpus), (None, Centre::Speaker)] {
        let mut made = Made::new(&[(0, 24, 2), (1, 18, 1)], home);
        let terms = terms(6.0, centre);
        let alone = made.solve(&terms);
        let own = |class: usize, k: usize| if k == class { 1.0 } else { -1.0 };
        let answer = |class: &usize| (0..OUTPUTS).map(|k| 0.75 * own(*class, k) + 0.25 * said[k]).collect();
        made.answers = made.classes.iter().map(answer).collect();
        let taught = made.solve(&terms);
        taught.weight.iter().zip(&alone.weight).for_each(|(taught, alone)| close(*taught, 0.75 * alone));
        for k in 0..OUTPUTS {
            let said = 0.25 * f64::from(said[k]);
            close(taught.bias[k], 0.75 * alone.bias[k] + said);
            taught.held_out.iter().zip(&alone.held_out).for_each(|(taught, alone)| close(taught.1[k], 0.75 * alone.1[k] + said));
        }
        assert!(taught.gap.iter().all(|gap| *gap < 1e-6), "{:?}", taught.gap);
        made.answers.pop();
        let refused = solve(None, &made.examples(), &terms, &mut |_, _| Ok(())).err().unwrap();
        assert!(matches!(refused, Error::Shape { .. }), "{refused}");
    }
}

#[test]
fn what_cannot_be_solved_is_refused() {
    let refused = |change: &dyn Fn(&mut Made)| {
        let mut made = Made::new(&[(0, 12, 1), (1, 12, 1)], Some(0));
        change(&mut made);
        solve(None, &made.examples(), &terms(6.0, Centre::Corpus), &mut |_, _| Ok(())).err().unwrap()
    };
    let empty = |made: &mut Made| (0..12).for_each(|i| made.classes[i] %= 2);
    assert!(refused(&empty).to_string().contains("class 2 of 3 has no training clip"));
    assert!(matches!(refused(&|made| made.inputs[3][1] = f32::NAN), Error::NonFinite(_)));
    let still = |made: &mut Made| {
        made.start(true);
        made.given.get_mut("std").unwrap().1[2] = 0.0;
    };
    assert!(refused(&still).to_string().contains("deviation of 0"));
    let made = Made::new(&[(0, 12, 1)], Some(0));
    let lacking = Examples { versions: vec![0; 11], ..made.examples() };
    assert!(matches!(solve(None, &lacking, &terms(6.0, Centre::Corpus), &mut |_, _| Ok(())), Err(Error::Shape { .. })));
    let stopped = solve(None, &made.examples(), &terms(6.0, Centre::Corpus), &mut |_, _| Err(Error::Interrupted));
    assert!(matches!(stopped, Err(Error::Interrupted)));
}

/// What is answered to as many examples of each class, on the average, is what the targets say, in whatever way held-out examples are off.
#[test]
fn the_level_is_that_of_the_targets() {
    for (home, centre) in [(Some(0), Centre::Corpus), (None, Centre::Speaker)] {
        let made = Made::new(&[(0, 24, 2), (1, 18, 1)], home);
        let found = made.solve(&terms(6.0, centre));
        assert_eq!(found.level, vec![2.0 / OUTPUTS as f64 - 1.0; OUTPUTS]);
    }
}
