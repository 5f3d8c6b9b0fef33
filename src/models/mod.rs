//! Networks, one per file, built from a validated configuration.

pub mod res_trans;
pub mod resnet;
