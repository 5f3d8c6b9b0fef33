//! PyTorch's update rules, step by step, on one parameter vector.

/// A parameter vector with its moments.
#[derive(Debug, Clone)]
pub struct Trained {
    /// Parameters.
    pub param: Vec<f64>,
    /// First moment or momentum.
    pub m: Vec<f64>,
    /// Second moment.
    pub v: Vec<f64>,
    /// Steps made.
    pub t: i32,
}

impl Trained {
    /// Parameters before the first step.
    pub fn new(param: &[f64]) -> Self {
        Trained { param: param.to_vec(), m: vec![0.0; param.len()], v: vec![0.0; param.len()], t: 0 }
    }

    /// AdamW.
    pub fn adamw(&mut self, grad: &[f64], lr: f64, decay: f64, betas: [f64; 2], eps: f64) {
        self.t += 1;
        let corrections = betas.map(|b| 1.0 - b.powi(self.t));
        for (i, g) in grad.iter().enumerate() {
            self.param[i] -= lr * decay * self.param[i];
            self.m[i] = betas[0] * self.m[i] + (1.0 - betas[0]) * g;
            self.v[i] = betas[1] * self.v[i] + (1.0 - betas[1]) * g * g;
            self.param[i] -= lr / corrections[0] * self.m[i] / (self.v[i].sqrt() / corrections[1].sqrt() + eps);
        }
    }

    /// Gradient descent with momentum.
    pub fn sgd(&mut self, grad: &[f64], lr: f64, decay: f64, momentum: f64) {
        self.t += 1;
        for (i, g) in grad.iter().enumerate() {
            self.m[i] = momentum * self.m[i] + g + decay * self.param[i];
            self.param[i] -= lr * self.m[i];
        }
    }

    /// RMSprop, not centred.
    pub fn rmsprop(&mut self, grad: &[f64], lr: f64, decay: f64, momentum: f64, alpha: f64, eps: f64) {
        self.t += 1;
        for (i, g) in grad.iter().enumerate() {
            let g = g + decay * self.param[i];
            self.v[i] = alpha * self.v[i] + (1.0 - alpha) * g * g;
            self.m[i] = momentum * self.m[i] + g / (self.v[i].sqrt() + eps);
            self.param[i] -= lr * self.m[i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Under a constant gradient the corrected moments are g and g², so every step is the learning rate.
    #[test]
    fn adamw_takes_steps_of_the_learning_rate() {
        let mut x = Trained::new(&[1.0, -1.0]);
        for _ in 0..5 {
            x.adamw(&[3.0, -0.01], 0.1, 0.0, [0.9, 0.999], 0.0);
        }
        assert!((x.param[0] - 0.5).abs() < 1e-12 && (x.param[1] + 0.5).abs() < 1e-12, "{:?}", x.param);
        x.adamw(&[0.0, 0.0], 0.1, 0.5, [0.0, 0.0], 1.0);
        assert!((x.param[0] - 0.475).abs() < 1e-12, "decay alone: {:?}", x.param);
    }

    /// Under a constant gradient momentum sums a geometric series.
    #[test]
    fn sgd_momentum_is_a_geometric_series() {
        let mut x = Trained::new(&[0.0]);
        for _ in 0..3 {
            x.sgd(&[2.0], 0.1, 0.0, 0.5);
        }
        assert!((x.param[0] + 0.1 * 2.0 * (1.0 + 1.5 + 1.75)).abs() < 1e-12, "{:?}", x.param);
        let mut x = Trained::new(&[4.0]);
        x.sgd(&[0.0], 0.1, 0.5, 0.0);
        assert!((x.param[0] - 3.8).abs() < 1e-12, "decay alone: {:?}", x.param);
    }

    #[test]
    fn rmsprop_first_step_divides_by_the_root_of_its_share() {
        let mut x = Trained::new(&[1.0]);
        x.rmsprop(&[-4.0], 0.1, 0.0, 0.0, 0.75, 0.0);
        assert!((x.param[0] - 1.2).abs() < 1e-12, "{:?}", x.param);
        x.rmsprop(&[0.0], 0.1, 0.0, 0.5, 0.75, 0.0);
        assert!((x.param[0] - 1.3).abs() < 1e-12, "momentum alone: {:?}", x.param);
    }
}
