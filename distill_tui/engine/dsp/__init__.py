"""Signal processing in torch: spectrograms, mel filters, spectral losses."""
