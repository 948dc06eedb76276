"""The multilingual Universal Sentence Encoder (its convolutional kind): texts of 16 languages to 512 numbers."""
