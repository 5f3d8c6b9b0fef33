//! The configuration of AAC (ISO 14496-3 §1.6.2), as far as it says that there is an upper band, which no decoder here makes.

/// Objects of HE-AAC: its upper band (SBR), and with one channel spread to two (PS).
const HE: [u32; 2] = [5, 29];
/// Object of plain AAC (LC).
const LC: u32 = 2;

/// The configuration of the plain AAC at the core of the HE-AAC that `config` describes; `None` where it is no HE-AAC.
pub(super) fn core(config: &[u8]) -> Option<Box<[u8]>> {
    let mut bits = Bits { bytes: config, at: 0 };
    if !HE.contains(&bits.object()?) {
        return None;
    }
    let (rate, channels) = (bits.rate()?, bits.take(4)?);
    bits.rate()?;
    if bits.object()? != LC {
        return None;
    }
    // Frames of 1024 or 960 samples, no core coder, no extension.
    let tail = [(bits.take(1)?, 1), (0, 2)];
    let head = [(LC, 5), (rate.0, 4)];
    let escaped = (rate.0 == 15).then_some((rate.1, 24));
    let fields = head.into_iter().chain(escaped).chain([(channels, 4)]).chain(tail);
    let (mut out, mut filled) = (Vec::new(), 0);
    for (value, width) in fields {
        for bit in (0..width).rev() {
            if filled % 8 == 0 {
                out.push(0u8);
            }
            if let Some(last) = out.last_mut() {
                *last |= ((value >> bit & 1) as u8) << (7 - filled % 8);
            }
            filled += 1;
        }
    }
    Some(out.into())
}

/// Bits from the most significant on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, width: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..width {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// An object's type.
    fn object(&mut self) -> Option<u32> {
        match self.take(5)? {
            31 => Some(32 + self.take(6)?),
            object => Some(object),
        }
    }

    /// Index of a rate, and the rate itself where the index is the escape.
    fn rate(&mut self) -> Option<(u32, u32)> {
        let index = self.take(4)?;
        Some((index, if index == 15 { self.take(24)? } else { 0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::core;

    #[test]
    fn the_core_of_he_aac_is_plain_aac_at_its_own_rate() {
        // SBR over 22.05 kHz (7) stereo (2) to 44.1 kHz (4), core LC: 00101 0111 0010 0100 00010 000.
        assert_eq!(core(&[0b0010_1011, 0b1001_0010, 0b0000_1000, 0]).as_deref(), Some(&[0b0001_0011, 0b1001_0000][..]));
        // PS over 24 kHz (6) mono (1) to 48 kHz (3): 11101 0110 0001 0011 00010 000.
        assert_eq!(core(&[0b1110_1011, 0b0000_1001, 0b1000_1000, 0]).as_deref(), Some(&[0b0001_0011, 0b0000_1000][..]));
        // Plain AAC, and what is cut off.
        assert_eq!(core(&[0x12, 0x10]), None);
        assert_eq!(core(&[0b0010_1011]), None);
        assert_eq!(core(&[]), None);
    }
}
