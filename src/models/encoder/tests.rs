use super::*;
use crate::graph::Shape;

fn tiny() -> Encoder {
    Encoder::preset("tiny")
}

/// A file of `of`, with its names behind `prefix`, another block and a decoder.
fn file(of: &Encoder, prefix: &str) -> Weights {
    let more = Encoder { blocks: of.blocks + 1, ..of.clone() };
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let n: usize = shape.iter().product();
        (format!("{prefix}{name}"), (Shape(shape), (0..n).map(|i| i as f32).collect()))
    };
    let mut all: Weights = more.sizes().parameters().into_iter().map(tensor).collect();
    all.insert(format!("{prefix}layer_norm.weight"), (Shape(vec![1]), vec![1.0]));
    all.insert("model.decoder.layers.9.fc1.weight".into(), (Shape(vec![1]), vec![1.0]));
    all
}

#[test]
fn published_weights_are_read_whatever_their_prefix() {
    let net = tiny();
    for prefix in ["model.encoder.", "encoder.", ""] {
        let theirs = file(&net, prefix);
        assert!(net.imports(&theirs));
        let own = net.import(&theirs, &[]).unwrap();
        let names: Vec<String> = own.keys().cloned().collect();
        let mut wanted: Vec<String> = net.sizes().parameters().into_iter().map(|(name, _)| name).collect();
        wanted.sort();
        assert_eq!(names, wanted, "{prefix}");
        let short = Encoder { positions: 40, ..net.clone() }.import(&theirs, &[]).unwrap();
        assert_eq!(short["embed_positions.weight"].0.0, [40, 64]);
        assert_eq!(short["embed_positions.weight"].1, own["embed_positions.weight"].1[..40 * 64]);
        let fitting = Encoder::fitting(&theirs, 9).unwrap();
        assert_eq!(fitting, Encoder { blocks: 3, taps: vec![1, 2, 3], ..net.clone() });
    }
    assert!(!net.imports(&Weights::new()));
}

#[test]
fn what_does_not_fit_names_the_setting() {
    let (net, theirs) = (tiny(), file(&tiny(), "model.encoder."));
    for (other, flag) in [
        (Encoder { width: 128, ..net.clone() }, "--set model.width=64"),
        (Encoder { mlp: 128, ..net.clone() }, "--set model.mlp=256"),
        (Encoder { blocks: 4, ..net.clone() }, "--set model.blocks=3"),
        (Encoder { positions: 101, ..net.clone() }, "--set model.positions=100"),
    ] {
        let message = other.import(&theirs, &[]).unwrap_err().to_string();
        assert!(message.contains(flag), "{message}");
    }
    let mut lacking = theirs.clone();
    lacking.remove("model.encoder.layers.1.fc2.bias");
    assert!(net.import(&lacking, &[]).unwrap_err().to_string().contains("layers.1.fc2.bias"));
    let wide = Weights::from([("conv1.weight".to_string(), (Shape(vec![64, 128, 3]), vec![]))]);
    assert!(net.import(&wide, &[]).is_err());
}

#[test]
fn parameters_know_how_deep_they_lie() {
    let depths = ["conv2.bias", "layers.0.fc1.weight", "layers.1.self_attn.q_proj.bias", "pool.2.key.weight"].map(|n| tiny().blocks_above(n));
    assert_eq!(depths, [2, 1, 0, 0]);
}

#[test]
fn settings_must_agree() {
    let net = tiny();
    assert!(net.check(&[200, 80]).is_ok());
    assert!(net.check(&[200, 64]).unwrap_err().to_string().contains("80 bands"));
    assert!(net.check(&[202, 80]).unwrap_err().to_string().contains("model.positions"));
    for taps in [vec![], vec![2, 1], vec![1], vec![1, 1, 2], vec![0, 3]] {
        assert!(Encoder { taps, ..net.clone() }.check(&[200, 80]).unwrap_err().to_string().contains("model.taps"));
    }
    assert!(Encoder { width: 100, ..net }.check(&[200, 80]).unwrap_err().to_string().contains("model.width"));
}
