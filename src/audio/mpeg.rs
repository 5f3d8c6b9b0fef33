//! Frame headers of MPEG audio and ADTS: whether a stream ends inside a frame, and whether its length is declared.

/// Bytes at the end of a file that are searched for frames.
pub(super) const TAIL: u64 = 16_384;
/// Bytes of the longer of the two headers.
const HEADER: usize = 7;
/// Frames in a row that cannot be chance.
const CHAIN: usize = 3;

/// Bit rates in kbit/s by index: MPEG-1 layers I, II, III; MPEG-2 layer I; MPEG-2 layers II and III.
const RATES: [[u16; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Bytes of the frame of MPEG audio (ISO 11172-3, 13818-3) whose header `bytes` begins with.
pub(super) fn frame(bytes: &[u8]) -> Option<usize> {
    let &[0xff, b, c, ..] = bytes else { return None };
    let (version, layer, index) = (b >> 3 & 3, b >> 1 & 3, usize::from(c >> 4));
    if b & 0xe0 != 0xe0 || version == 1 || layer == 0 || matches!(index, 0 | 15) || c & 0x0c == 0x0c {
        return None;
    }
    let mpeg1 = version == 3;
    // The field counts layers downwards.
    let row = if mpeg1 {
        3 - usize::from(layer)
    } else if layer == 3 {
        3
    } else {
        4
    };
    let rate = usize::from(RATES[row][index]) * 1000;
    let hertz = [44_100, 48_000, 32_000][usize::from(c >> 2 & 3)] >> [2, 0, 1, 0][usize::from(version)];
    let padding = usize::from(c >> 1 & 1);
    Some(match layer {
        3 => (12 * rate / hertz + padding) * 4,
        1 if !mpeg1 => 72 * rate / hertz + padding,
        _ => 144 * rate / hertz + padding,
    })
}

/// Bytes of the ADTS frame (ISO 13818-7) whose header `bytes` begins with.
pub(super) fn adts(bytes: &[u8]) -> Option<usize> {
    let &[0xff, b, _, d, e, f, ..] = bytes else { return None };
    let length = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
    (b & 0xf6 == 0xf0 && length >= 7).then_some(length)
}

/// Whether a file whose last bytes are `tail` ends inside a frame. `frame` gives the length of the frame at the beginning of its argument.
pub(super) fn ends_inside(tail: &[u8], frame: fn(&[u8]) -> Option<usize>) -> bool {
    for start in 0..tail.len() {
        let (mut at, mut frames) = (start, 0);
        while let Some(length) = tail.get(at..).and_then(frame) {
            at += length;
            frames += 1;
        }
        if frames >= CHAIN {
            // Less than a header is left of the last frame, or more than is there was announced. Tags do not begin as frames do.
            return at > tail.len() || tail.get(at..).is_some_and(|rest| !rest.is_empty() && rest.len() < HEADER && rest[0] == 0xff);
        }
    }
    false
}

/// Whether the first frame, with which `head` begins, says how many there are (a Xing, Info or VBRI header).
pub(super) fn declares_length(head: &[u8]) -> bool {
    let first = &head[..head.len().min(64)];
    first.windows(8).any(|w| matches!(&w[..4], b"Xing" | b"Info") && w[7] & 1 == 1) || first.windows(4).any(|w| w == b"VBRI")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_the_length_of_the_standard() {
        // 128 kbit/s at 44.1 kHz, without and with padding; 24 kbit/s at 16 kHz; layer II, 192 kbit/s at 48 kHz; layer I, 384 at 48.
        for (header, length) in [
            ([0xff, 0xfb, 0x90, 0], Some(417)),
            ([0xff, 0xfb, 0x92, 0], Some(418)),
            ([0xff, 0xf3, 0x38, 0], Some(108)),
            ([0xff, 0xfd, 0xa4, 0], Some(576)),
            ([0xff, 0xff, 0xc4, 0], Some(384)),
            ([0xff, 0xfb, 0xf0, 0], None),
            ([0xff, 0xe9, 0x90, 0], None),
        ] {
            assert_eq!(frame(&header), length, "{header:x?}");
        }
        assert_eq!(adts(&[0xff, 0xf1, 0x60, 0x40, 0x20, 0x3f, 0xfc]), Some(257));
    }

    #[test]
    fn ends_inside_a_frame_or_behind_it() {
        let file = [[0xff, 0xfb, 0x90, 0].to_vec(), vec![0; 413]].concat().repeat(5);
        let tagged = [file.clone(), b"TAG".to_vec(), vec![b' '; 125]].concat();
        assert!(!ends_inside(&file, frame) && !ends_inside(&tagged, frame) && !ends_inside(&file[100..], frame));
        for cut in [1, 2, 400, 414, 415] {
            assert!(ends_inside(&file[100..file.len() - cut], frame), "{cut}");
        }
        assert!(!ends_inside(&[0xff; 9000], frame) && !ends_inside(&[], frame));
    }
}
