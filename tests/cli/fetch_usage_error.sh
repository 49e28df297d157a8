$MEDLEY fetch ml-1n --out raw
