$MEDLEY trian --run run
