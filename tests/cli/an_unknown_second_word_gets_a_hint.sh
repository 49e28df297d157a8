$MEDLEY features improt --store store
