create or replace function _wedding_dbopt.action_mark(action_id bigint) returns text
language sql immutable parallel safe security invoker
return 'Made by wedding_dbopt, action ' || action_mark.action_id;
comment on function _wedding_dbopt.action_mark(bigint) is 'The comment by which an object is known as made by an action; tuning/deeds/deed.py writes it.';
