"""The physics that is arithmetic: flavour bases, quadrature, sum-rule constants; numpy only."""
