$MEDLEY features import --store store --nme x
