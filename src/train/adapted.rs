//! One model's adaptation to recordings: what they come to, and its answers by that.

use super::adapt::Statistics;
use super::predictor::Predictor;
use super::self_training::Taught;
use crate::{Error, Result};

/// How much less of the answers can be learnt again when centring by speaker has taken emotion away: of five corpora whose speakers express several
/// emotions up to 0.02 less, or more; of one where most express a single one 0.10.
const TAKEN_AWAY: f64 = 0.05;

impl Predictor {
    /// What recordings come to of which it gave these logits and, where they are known, embeddings; their speakers are named where they are known:
    /// the statistics of the logits, and what the embeddings teach. Unless one `insists` that speakers are told apart, they are not where that leaves
    /// clearly less of the answers to be learnt again, for then it was emotion that centring by speaker took away.
    ///
    /// # Errors
    /// Device faults.
    pub fn statistics(&self, logits: &[Vec<f32>], embeddings: &[Vec<f32>], speakers: &[Option<&str>], insists: bool) -> Result<Statistics> {
        let weights = self.weights_sha256()?;
        let by_speaker = self.found(&weights, logits, embeddings, speakers)?;
        let Some(own) = by_speaker.taught.as_ref().filter(|_| !insists && by_speaker.speakers.len() > 1) else { return Ok(by_speaker) };
        let by_all = self.found(&weights, logits, embeddings, &vec![None; speakers.len()])?;
        match by_all.taught.as_ref().filter(|all| own.explained < all.explained - TAKEN_AWAY) {
            Some(all) => Ok(Statistics { doubt: Some([own.explained, all.explained]), ..by_all }),
            None => Ok(by_speaker),
        }
    }

    /// The same with these speakers told apart; `weights` is the hash of its own.
    fn found(&self, weights: &str, logits: &[Vec<f32>], embeddings: &[Vec<f32>], speakers: &[Option<&str>]) -> Result<Statistics> {
        let mut of = Statistics::of(weights.to_string(), self.outputs(), logits, speakers);
        if let Some(centre) = self.centre().filter(|_| !embeddings.is_empty() && embeddings.len() == logits.len()) {
            let which = self.places(self.classes()).unwrap_or_default();
            let centred: Vec<Vec<f64>> =
                logits.iter().zip(speakers).map(|(l, s)| centred(&which, l, centre, &of.offset(centre, *s))).collect();
            of.taught = Taught::by(self.device(), self.classes(), &centred, embeddings, speakers)?;
        }
        Ok(of)
    }

    /// Logits of recordings by statistics of these or of earlier ones; as they are without a centre.
    ///
    /// # Errors
    /// [`Error::Config`] for statistics of other features than these.
    pub fn adapted(
        &self,
        logits: &[Vec<f32>],
        embeddings: &[Vec<f32>],
        statistics: &Statistics,
        speakers: &[Option<&str>],
    ) -> Result<Vec<Vec<f32>>> {
        let Some(centre) = self.centre() else { return Ok(logits.to_vec()) };
        let taught = statistics.taught.as_ref().filter(|_| embeddings.len() == logits.len());
        if let Some((own, other)) = taught.zip(embeddings.first()).map(|(t, x)| (x.len(), t.width())).filter(|(own, other)| own != other) {
            return Err(Error::Config(format!("the statistics weigh {other} features of a recording, the model has {own}")));
        }
        let which = taught.and_then(|taught| self.places(&taught.classes)).unwrap_or_default();
        let adapt = |(i, (l, speaker)): (usize, (&Vec<f32>, &Option<&str>))| {
            let offset = statistics.offset(centre, *speaker);
            let mut own: Vec<f32> = l.iter().zip(&offset).map(|(l, offset)| l - *offset as f32).collect();
            if let Some(taught) = taught {
                let answers = taught.answer(&centred(&which, l, centre, &offset), &embeddings[i], *speaker);
                which.iter().zip(answers).for_each(|(&k, answer)| own[k] = centre[k] + answer as f32);
            }
            own
        };
        Ok(logits.iter().zip(speakers).enumerate().map(adapt).collect())
    }
}

/// A recording's logits of the outputs `which`, less the centre and what they are off by.
fn centred(which: &[usize], logits: &[f32], centre: &[f32], offset: &[f64]) -> Vec<f64> {
    which.iter().map(|&k| f64::from(logits[k]) - f64::from(centre[k]) - offset[k]).collect()
}
