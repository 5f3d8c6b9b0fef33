//! Sound as it comes, block by block.

use emotone::audio::Blocks;
use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};

/// Bytes read at once, and how many such pieces wait for being heard: 64 MiB, half an hour of 16 kHz and 16 bit.
const PIECE: usize = 1 << 16;
const WAITING: usize = 1 << 10;

/// A recording that is read.
pub struct Sound {
    blocks: Blocks,
}

impl Sound {
    /// Of blocks that are decoded one after the other.
    pub fn new(blocks: Blocks) -> Self {
        Sound { blocks }
    }

    /// The next samples; none behind the last.
    pub fn next(&mut self) -> emotone::Result<Option<Vec<f32>>> {
        self.blocks.next().transpose()
    }

    /// Whether nothing of what the file should hold is missing.
    pub fn is_complete(&self) -> bool {
        !self.blocks.notes().is_damaged()
    }

    /// What is to be said of how it was read, when it was.
    pub fn notes(&self) -> Vec<String> {
        self.blocks.notes().lines(self.blocks.decoded_s())
    }
}

/// Standard input, read by a thread of its own: a recorder that waits until somebody has heard what it wrote loses sound.
pub struct Piped {
    pieces: Mutex<Receiver<io::Result<Vec<u8>>>>,
    rest: io::Cursor<Vec<u8>>,
}

impl Piped {
    /// Begins to read.
    pub fn standard_input() -> Self {
        let (sender, pieces) = sync_channel(WAITING);
        std::thread::spawn(move || {
            let mut input = io::stdin().lock();
            loop {
                let mut piece = vec![0; PIECE];
                let read = match input.read(&mut piece) {
                    Ok(0) => return,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    Ok(n) => {
                        piece.truncate(n);
                        Ok(piece)
                    }
                    Err(e) => Err(e),
                };
                let failed = read.is_err();
                if sender.send(read).is_err() || failed {
                    return;
                }
            }
        });
        Piped { pieces: Mutex::new(pieces), rest: io::Cursor::default() }
    }

    /// The first bytes, as soon as there are some; none where there never will be.
    pub fn first(&mut self) -> io::Result<Vec<u8>> {
        let mut head = vec![0; PIECE];
        let n = self.read(&mut head)?;
        head.truncate(n);
        Ok(head)
    }
}

impl Read for Piped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.position() as usize >= self.rest.get_ref().len() {
            let pieces = self.pieces.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
            match pieces.recv() {
                Ok(piece) => self.rest = io::Cursor::new(piece?),
                Err(_) => return Ok(0),
            }
        }
        self.rest.read(buffer)
    }
}
