"""What makes the shipped models: written phrases, corpora, fitting, calibration and export (``chatward train``)."""
