//! Between the two shapes of a batch, once for all connectors (design §5).
