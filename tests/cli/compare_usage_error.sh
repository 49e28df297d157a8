$MEDLEY compare --runs a,b --pairs some
