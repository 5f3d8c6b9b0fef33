//! What a listener should know of how a recording was read.

/// Whatever is not as it should be with a recording that could be read. The default is a recording without fault.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// The file ends before the length that it declares, or inside a packet: a copy that broke off, a recorder that was stopped.
    pub cut: bool,
    /// Length in seconds that the file declares, where it says so and is cut short.
    pub declared_s: Option<f64>,
    /// Packets that could not be decoded and were left out.
    pub lost_packets: usize,
    /// Packets in all; 0 where the encoding has none.
    pub packets: usize,
    /// Audio tracks of the file, of which the first that can be decoded is read; 0 and 1 are the same.
    pub tracks: usize,
    /// Seconds of a wanted part that lie behind the end of the recording.
    pub missing_s: f64,
    /// Channels cancel each other out when they are averaged: one is the other upside down.
    pub cancelled: bool,
    /// HE-AAC whose upper band was not decoded, above this frequency in Hz.
    pub band_limit_hz: Option<u32>,
}

impl Notes {
    /// Whether sound is missing that the file once held, or should hold.
    pub fn is_damaged(&self) -> bool {
        self.cut || self.lost_packets > 0
    }

    /// One line for each note, none for a recording without fault. `read_s` is the length that could be read.
    pub fn lines(&self, read_s: f64) -> Vec<String> {
        let mut lines = Vec::new();
        if self.cut {
            lines.push(match self.declared_s {
                Some(declared) if declared > read_s => format!("cut short: {read_s:.2} of {declared:.2} s are there"),
                _ => format!("cut short: the file ends inside its sound, after {read_s:.2} s"),
            });
        }
        if self.lost_packets > 0 {
            lines.push(format!("damaged: {} of {} packets cannot be decoded", self.lost_packets, self.packets));
        }
        if self.missing_s > 0.0 {
            lines.push(format!("{:.2} s of the wanted part lie behind the end of the recording", self.missing_s));
        }
        lines.extend(self.remarks());
        lines
    }

    /// Those of the lines that are about the recording as it was made, which is all there.
    pub fn remarks(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.tracks > 1 {
            lines.push(format!("{} audio tracks, the first is read", self.tracks));
        }
        if self.cancelled {
            lines.push("the channels cancel each other out: one is the other upside down; listen to one of them".into());
        }
        if let Some(hz) = self.band_limit_hz {
            lines.push(format!("HE-AAC, read without its upper band: nothing above {hz} Hz"));
        }
        lines
    }
}
