cat >exp.yaml <<END
out: o
models:
  ease:
    l3: [1, 2]
END
$MEDLEY experiment --config exp.yaml
