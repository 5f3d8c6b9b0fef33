//! Updates of state in place.

/// `y ← d·y + (1 − d)·x`.
pub fn ema(y: &mut [f64], x: &[f64], decay: f64) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y = decay * *y + (1.0 - decay) * x);
}

/// `y ← y + scale·x`.
pub fn accumulate(y: &mut [f64], x: &[f64], scale: f64) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += scale * x);
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_average_approaches_a_constant_geometrically() {
        let mut y = [0.0];
        (0..3).for_each(|_| super::ema(&mut y, &[8.0], 0.5));
        assert_eq!(y, [7.0]);
        super::accumulate(&mut y, &[2.0], -0.5);
        assert_eq!(y, [6.0]);
    }
}
