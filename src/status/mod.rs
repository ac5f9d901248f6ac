//! What the object's status says of a decision: conditions, counts, the decision, the history; and the events.
//!
//! Building a status is pure; writing it is server-side apply of the status subresource, and only when something
//! changed that a reader would act on.

mod conditions;
mod events;
mod pool;
mod report;
mod view;
mod write;

pub use conditions::{Found, conditions, invalid, merge};
pub use events::{events, transitions};
pub use pool::pool_status;
pub use report::report;
pub use view::View;
pub use write::{Addressee, How, WriteError, differs, differs_slowly, write};
