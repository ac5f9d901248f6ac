//! All InferenceDeployments and pools, read from the API server page by page. I/O; needs the right to list them.

use std::fmt::Debug;
use std::time::Duration;

use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use crate::api::{GpuPool, InferenceDeployment};
use crate::runtime::chain::Chain;

/// The longest that the API server may take for the whole fleet.
pub const LIMIT: Duration = Duration::from_secs(10);
/// Objects a page.
const PAGE: u32 = 500;
/// The most objects of a kind that are shown.
pub const MOST: usize = 10_000;

/// Whose objects are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of every namespace.
    All,
    /// Those of one namespace.
    Namespace(String),
}

/// An InferenceDeployment, readable or not: a malformed one is shown as such.
pub type Guarded = DeserializeGuard<InferenceDeployment>;

/// What the API server says.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// The objects in the scope.
    pub objects: Vec<Guarded>,
    /// There are more than are shown.
    pub more: bool,
    /// The pools, or why they cannot be listed: they belong to no namespace, so not everybody may.
    pub pools: Result<Vec<GpuPool>, String>,
}

/// Why the fleet cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The definitions are missing.
    #[error("this cluster does not know InferenceDeployments: apply the custom resource definitions (inferscale crd)")]
    NotInstalled,
    /// The user lacks a right.
    #[error("{0}: ask for the right to list inferencedeployments.inferscale.dev, or choose a namespace with -n")]
    Forbidden(String),
    /// No answer in time.
    #[error("the API server did not answer within {} s", LIMIT.as_secs())]
    Timeout,
    /// Anything else.
    #[error("cannot list InferenceDeployments: {0}")]
    Failed(String),
}

/// Reads the whole fleet.
///
/// # Errors
/// When the InferenceDeployments cannot be listed. Pools that cannot be are no error.
pub async fn read(client: &Client, scope: &Scope) -> Result<Fleet, FleetError> {
    let objects: Api<Guarded> = match scope {
        Scope::All => Api::all(client.clone()),
        Scope::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
    };
    let pools: Api<GpuPool> = Api::all(client.clone());
    let both = async { tokio::join!(list(&objects), list(&pools)) };
    let (objects, pools) = tokio::time::timeout(LIMIT, both)
        .await
        .map_err(|_| FleetError::Timeout)?;
    let (objects, more) = objects.map_err(failed)?;
    Ok(Fleet {
        objects,
        more,
        pools: pools.map(|(pools, _)| pools).map_err(|error| match error {
            kube::Error::Api(status) if status.code == 403 => "you may not list GpuPools".to_owned(),
            error => format!("cannot list GpuPools: {}", Chain(&error)),
        }),
    })
}

/// Every object of a kind up to [`MOST`], and whether there are more.
async fn list<K>(api: &Api<K>) -> Result<(Vec<K>, bool), kube::Error>
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let mut all = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = api.list(&page).await?;
        all.extend(list.items);
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(_) if all.len() >= MOST => return Ok((all, true)),
            Some(token) => page.continue_token = Some(token),
            None => return Ok((all, false)),
        }
    }
}

fn failed(error: kube::Error) -> FleetError {
    match error {
        kube::Error::Api(status) if status.code == 404 => FleetError::NotInstalled,
        kube::Error::Api(status) if status.code == 403 => FleetError::Forbidden(status.message.clone()),
        kube::Error::Api(status) => FleetError::Failed(status.message.clone()),
        error => FleetError::Failed(Chain(&error).to_string()),
    }
}
