//! What of a recording is wanted: a stretch of it, and one of its channels.

use std::{fmt, str::FromStr};

use super::clip::{MAX_CHANNELS, Reason};

/// Which channel is listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The mean of all.
    #[default]
    Mix,
    /// One of them, counted from 1: the left one is 1, the right one 2.
    Number(usize),
}

impl Channel {
    /// The first of two.
    pub const LEFT: Channel = Channel::Number(1);
    /// The second of two.
    pub const RIGHT: Channel = Channel::Number(2);

    /// Checks that a recording of `channels` channels has it.
    pub(super) fn check(self, channels: usize) -> Result<(), Reason> {
        match self {
            Channel::Number(n) if n == 0 || n > channels => {
                let (s, are) = if channels == 1 { ("", "is") } else { ("s", "are") };
                Err(format!("channel {self} is wanted, but there {are} {channels} channel{s}"))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Channel::Mix => f.write_str("mix"),
            Channel::LEFT => f.write_str("left"),
            Channel::RIGHT => f.write_str("right"),
            Channel::Number(n) => write!(f, "{n}"),
        }
    }
}

impl FromStr for Channel {
    type Err = String;

    /// `mix`, `left`, `right`, or a number from 1.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "mix" => Ok(Channel::Mix),
            "left" | "l" => Ok(Channel::LEFT),
            "right" | "r" => Ok(Channel::RIGHT),
            number => match number.parse() {
                Ok(n) if (1..=MAX_CHANNELS).contains(&n) => Ok(Channel::Number(n)),
                _ => Err(format!("{text:?} is not a channel: mix, left, right, or a number from 1 to {MAX_CHANNELS}")),
            },
        }
    }
}

/// A stretch of a recording, on one channel. The default is the whole, mixed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Part {
    /// Where it begins, in seconds.
    pub start_s: f64,
    /// Where it ends, in seconds; `None` is the end of the recording.
    pub end_s: Option<f64>,
    /// The channel.
    pub channel: Channel,
}

impl Part {
    /// Checks that it is a stretch of some recording.
    ///
    /// # Errors
    /// One line that names the number: negative, not finite, or an end that is not behind the beginning.
    pub fn check(&self) -> Result<(), String> {
        let (start, end) = (self.start_s, self.end_s.unwrap_or(f64::MAX));
        match () {
            _ if !(start >= 0.0 && start.is_finite()) => Err(format!("a part cannot begin at {start} s")),
            _ if !end.is_finite() => Err(format!("a part cannot end at {end} s")),
            _ if end <= start => Err(format!("a part that begins at {start} s cannot end at {end} s")),
            _ => Ok(()),
        }
    }

    /// First and last frame (exclusive) of a recording at `rate` Hz; `u64::MAX` stands for its end.
    pub(super) fn frames(&self, rate: u32) -> (u64, u64) {
        let frame = |s: f64| (s * f64::from(rate)).round() as u64;
        (frame(self.start_s), self.end_s.map_or(u64::MAX, frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_have_names_and_numbers() {
        for (text, channel) in [("mix", Channel::Mix), ("Left", Channel::LEFT), ("2", Channel::RIGHT), (" 5 ", Channel::Number(5))] {
            assert_eq!(text.parse(), Ok(channel));
            assert_eq!(channel.to_string().parse(), Ok(channel));
        }
        for text in ["", "0", "65", "-1", "middle"] {
            assert!(text.parse::<Channel>().unwrap_err().contains("from 1 to 64"), "{text}");
        }
        assert!(Channel::RIGHT.check(1).unwrap_err().contains("right") && Channel::RIGHT.check(2).is_ok() && Channel::Mix.check(1).is_ok());
    }

    #[test]
    fn stretches_that_cannot_be() {
        let part = |start_s, end_s| Part { start_s, end_s, ..Part::default() };
        assert!(part(0.0, None).check().is_ok() && part(1.5, Some(2.0)).check().is_ok());
        for bad in [part(-1.0, None), part(f64::NAN, None), part(f64::INFINITY, None), part(0.0, Some(f64::NAN)), part(2.0, Some(2.0))] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        assert_eq!(part(0.5, Some(1.00001)).frames(8000), (4000, 8000));
    }
}
