//! Traces of traffic: CSV files, compressed when the name ends in `.gz`, read line by line and never whole. I/O.
//!
//! | file | columns (any order, others are ignored) |
//! |---|---|
//! | [`requests`] | `arrival_s,input_tokens,output_tokens`: every request |
//! | [`rates`] | `t_s` and `rate_rps` or `count`, perhaps `gap`: how many in each window |
//! | [`clients`] | `client,t_s,rate_rps,pattern,shape`: how many of each client, and how regularly |
//! | [`quantiles`] | `client,t_s,field` and `p0..p100`: how long prompts and answers of each client are |

pub mod clients;
mod error;
mod kind;
pub mod quantiles;
pub mod rates;
pub mod requests;
mod table;

pub use error::TraceError;
pub use kind::Kind;
pub use table::{Table, each_block};
