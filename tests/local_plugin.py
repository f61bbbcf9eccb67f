"""A plugin in a file beside a runcard: a plain layer of Keras."""

LOCAL = """
from replicafit.plugin import LayerType, hookimpl

def build(settings):
    import keras
    return keras.layers.Rescaling(3.0)

@hookimpl
def replicafit_layers():
    return [LayerType(name="triple", build="my_layers:build")]
"""
