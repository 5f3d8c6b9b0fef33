//! Parameters of a launch: values by name, checked against the shader's `Params` struct and laid out as it says.

use crate::{Error, Result};
use std::fmt;

/// A 32-bit number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// Unsigned.
    U32,
    /// Signed.
    I32,
    /// Floating point.
    F32,
}

/// Type of a parameter: one number, or a vector of two to four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Type {
    /// Type of its numbers.
    pub scalar: Scalar,
    /// How many there are.
    pub len: usize,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let scalar = match self.scalar {
            Scalar::U32 => "u32",
            Scalar::I32 => "i32",
            Scalar::F32 => "f32",
        };
        if self.len == 1 { f.write_str(scalar) } else { write!(f, "vec{}<{scalar}>", self.len) }
    }
}

/// A field of the uniform block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Name in the shader.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Where it lies, in bytes.
    pub offset: u32,
    /// Whether the entry point, or a function it calls, reads it.
    pub read: bool,
}

/// What a parameter is set to: a number or, for a vector, an array of two to four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    ty: Type,
    /// Bits of each number; those above 32 are set only in a `usize` that is too large.
    words: [u64; 4],
}

/// Rust's types of parameters. An extent is a `u32` that must not exceed it; a condition is 0 or 1.
pub trait Number: Copy {
    /// The shader's type.
    const SCALAR: Scalar;
    /// Its bits.
    fn bits(self) -> u64;
}

macro_rules! number {
    ($type:ty, $scalar:ident, $value:ident => $bits:expr) => {
        impl Number for $type {
            const SCALAR: Scalar = Scalar::$scalar;
            fn bits(self) -> u64 {
                let $value = self;
                $bits
            }
        }
    };
}
number!(u32, U32, v => v.into());
number!(usize, U32, v => v as u64);
number!(bool, U32, v => v.into());
number!(i32, I32, v => (v as u32).into());
number!(f32, F32, v => v.to_bits().into());

impl<T: Number> From<T> for Value {
    fn from(v: T) -> Self {
        Value { ty: Type { scalar: T::SCALAR, len: 1 }, words: [v.bits(), 0, 0, 0] }
    }
}

macro_rules! vector {
    ($($len:literal)*) => {
        $(impl<T: Number> From<[T; $len]> for Value {
            fn from(v: [T; $len]) -> Self {
                let mut words = [0; 4];
                words.iter_mut().zip(v).for_each(|(w, v)| *w = v.bits());
                Value { ty: Type { scalar: T::SCALAR, len: $len }, words }
            }
        })*
    };
}
vector!(2 3 4);

/// The parameter block of `launch` (its name, for messages): every field the entry point reads must have been set, once, to a value of its
/// type. Fields it does not read may be left out; they become zero.
pub(super) fn block(launch: &dyn Fn() -> String, fields: &[Field], size: u32, values: &[(&'static str, Value)]) -> Result<Vec<u8>> {
    let mut block = vec![0; size as usize];
    for (i, (name, value)) in values.iter().enumerate() {
        let Some(field) = fields.iter().find(|f| f.name == *name) else {
            let known: Vec<String> = fields.iter().map(|f| format!("`{}`: {}", f.name, f.ty)).collect();
            return Err(Error::shape(launch(), format!("parameters among {}", known.join(", ")), format!("`{name}`: {}", value.ty)));
        };
        if field.ty != value.ty {
            return Err(Error::shape(launch(), format!("`{name}`: {}", field.ty), value.ty.to_string()));
        }
        if values[..i].iter().any(|(n, _)| n == name) {
            return Err(Error::shape(launch(), format!("`{name}`: {} once", field.ty), "twice".to_string()));
        }
        for (k, word) in value.words[..value.ty.len].iter().enumerate() {
            let bits = u32::try_from(*word).map_err(|_| Error::shape(launch(), format!("`{name}`: {}", field.ty), word.to_string()))?;
            let at = field.offset as usize + 4 * k;
            block[at..at + 4].copy_from_slice(&bits.to_le_bytes());
        }
    }
    match fields.iter().find(|f| f.read && !values.iter().any(|(n, _)| f.name == *n)) {
        Some(f) => Err(Error::shape(launch(), format!("`{}`: {}", f.name, f.ty), "no value".to_string())),
        None => Ok(block),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Launch, Shader, pipeline};
    use super::*;

    static SHADER: Shader = Shader::new(
        "layout",
        "
struct Params { n: u32, shape: vec3<u32>, scale: f32, low: i32, at: vec2<f32>, all: vec4<i32>, spare: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
fn scaled(v: f32) -> f32 { return v * p.scale; }
fn place() { if p.low > 0i { for (var i = 0u; i < p.shape.x; i++) { y[i] = p.at.x; } } }
@compute @workgroup_size(4, 2)
fn some() { y[p.n] = scaled(1.0); place(); }
@compute @workgroup_size(1)
fn whole() { let all = p; y[0] = all.scale; }
@compute @workgroup_size(1)
fn none() { y[0] = 1.0; }
",
    );

    fn resolved(launch: &Launch<()>) -> Result<Vec<u8>> {
        let (_, reflection) = pipeline::load(&SHADER, &[]).expect("shader");
        launch.clone().bind("y", ()).check(&reflection.entries[launch.entry])
    }

    fn words(block: &[u8]) -> Vec<u32> {
        block.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect()
    }

    fn some() -> Launch<()> {
        Launch::new(&SHADER, "some").set("scale", 0.5f32).set("shape", [7usize, 8, 9]).set("low", -2i32).set("at", [1.0f32, 2.0])
    }

    #[test]
    fn values_lie_where_the_shader_reads_them() {
        let block = resolved(&some().set("n", true).set("all", [-1i32, 1, -2, 2])).expect("all set");
        // n, 3 words of padding, shape (3), scale, low, 1 word, at (2), all (4), spare, 3 words.
        let (half, one, two) = (0.5f32.to_bits(), 1f32.to_bits(), 2f32.to_bits());
        let minus = |v: i32| v as u32;
        assert_eq!(words(&block), [1, 0, 0, 0, 7, 8, 9, half, minus(-2), 0, one, two, minus(-1), 1, minus(-2), 2, 0, 0, 0, 0]);
    }

    #[test]
    fn what_an_entry_point_does_not_read_may_be_left_out() {
        assert!(resolved(&some().set("n", 1u32)).is_ok());
        assert!(resolved(&Launch::new(&SHADER, "none")).is_ok());
        let whole = Launch { entry: "whole", ..some().set("n", 1u32) };
        let message = resolved(&whole).unwrap_err().to_string();
        assert_eq!(message, "layout::whole: expected `all`: vec4<i32>, got no value");
    }

    #[test]
    fn errors_name_the_entry_the_field_and_both_types() {
        let message = |launch: Launch<()>| resolved(&launch).unwrap_err().to_string();
        assert_eq!(message(some()), "layout::some: expected `n`: u32, got no value");
        assert_eq!(message(some().set("n", 1f32)), "layout::some: expected `n`: u32, got f32");
        assert_eq!(message(some().set("n", 1i32)), "layout::some: expected `n`: u32, got i32");
        assert_eq!(message(some().set("n", [1u32, 2])), "layout::some: expected `n`: u32, got vec2<u32>");
        assert_eq!(message(some().set("n", 1u32 << 31).set("n", 2u32)), "layout::some: expected `n`: u32 once, got twice");
        assert_eq!(message(some().set("n", 1usize << 32)), "layout::some: expected `n`: u32, got 4294967296");
        let unknown = message(some().set("n", 1u32).set("m", 1u32));
        assert!(unknown.starts_with("layout::some: expected parameters among `n`: u32, `shape`: vec3<u32>,"), "{unknown}");
        assert!(unknown.ends_with("got `m`: u32"), "{unknown}");
    }

    #[test]
    fn invocations_fill_whole_workgroups_of_the_reflected_size() {
        let info = pipeline::load(&SHADER, &[]).expect("shader").1;
        let groups = |entry: &str, n: usize| Launch::<()>::new(&SHADER, "some").invocations(n).groups(&info.entries[entry]);
        assert_eq!((groups("some", 1), groups("some", 8), groups("some", 9)), ([1, 1, 1], [1, 1, 1], [2, 1, 1]));
        assert_eq!((groups("whole", 9), groups("some", 8 * 65_536)), ([9, 1, 1], [32_768, 2, 1]));
        assert_eq!(Launch::<()>::new(&SHADER, "some").linear(3).groups(&info.entries["some"]), [3, 1, 1]);
    }
}
