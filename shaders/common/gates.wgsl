// The squashing functions of recurrent gates. No exponent is positive, so nothing overflows; a NaN stays one.
fn sigmoid_of(v: Value) -> Value {
    let e = exp(-abs(v));
    return select(e, Value(1.0), v >= Value()) / (1.0 + e);
}
fn tanh_of(v: Value) -> Value {
    let e = exp(-2.0 * abs(v));
    let t = (1.0 - e) / (1.0 + e);
    return select(t, -t, v < Value());
}
