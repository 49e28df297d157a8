$MEDLEY help metric ndcg --markdown
