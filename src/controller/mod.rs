//! The tick and the reconcile recipe.
