//! The custom resource definitions as they are installed. Pure.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use super::{GpuPool, InferenceDeployment};

/// The custom resource definitions with the names of their files in `crds/`.
pub fn definitions() -> Vec<(&'static str, CustomResourceDefinition)> {
    vec![
        (
            "inferscale.dev_inferencedeployments.yaml",
            stored(InferenceDeployment::crd()),
        ),
        ("inferscale.dev_gpupools.yaml", stored(GpuPool::crd())),
    ]
}

/// As the API server stores it: it drops `nullable: false`, which the derive needs on optional int-or-string fields. A
/// file that says more than what is stored is a difference for ever to whoever applies it.
fn stored(mut definition: CustomResourceDefinition) -> CustomResourceDefinition {
    let versions = definition.spec.versions.iter_mut();
    versions
        .filter_map(|v| v.schema.as_mut()?.open_api_v3_schema.as_mut())
        .for_each(drop_not_nullable);
    definition
}

fn drop_not_nullable(schema: &mut JSONSchemaProps) {
    if schema.nullable == Some(false) {
        schema.nullable = None;
    }
    schema
        .properties
        .iter_mut()
        .flat_map(|all| all.values_mut())
        .for_each(drop_not_nullable);
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        drop_not_nullable(values);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(item)) = &mut schema.items {
        drop_not_nullable(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_nothing_that_the_api_server_would_drop() {
        for (file, definition) in definitions() {
            let text = serde_json::to_string(&definition).unwrap();
            assert!(!text.contains("\"nullable\":false"), "{file}");
        }
    }
}
