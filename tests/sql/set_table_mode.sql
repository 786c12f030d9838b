begin;
select plan(13);
create table public.tap (id integer);
select is(_wedding_dbopt.mode_for('index_creation', 'public', 'tap'), 'auto', 'without a mode of its own a table follows the setting');
select is(wedding_dbopt.set_table_mode('public.tap', 'off') - 'success', '{"mode": "off", "previous": null, "table_name": "public.tap", "action_type": "all"}', 'a mode for all types');
select is(_wedding_dbopt.mode_for('vacuum', 'public', 'tap'), 'off', 'holds for each');
select wedding_dbopt.set_table_mode('public.tap', 'approve', 'index_creation');
select is(_wedding_dbopt.mode_for('index_creation', 'public', 'tap'), 'approve', 'one type stands above all');
select is(_wedding_dbopt.mode_for('index_creation', 'public', 'other'), 'auto', 'other tables keep the setting');
select is(wedding_dbopt.set_table_mode('public.tap', null) ->> 'previous', 'off', 'null goes back');
select throws_ok($$select wedding_dbopt.set_table_mode('public.lost', 'off')$$, '42P01', null, 'an unknown table is refused');
select throws_ok(format('select wedding_dbopt.set_table_mode(%L, ''off'')', name), '42P01', null, 'and so is what is no name: ' || name)
from unnest(array['', 'x"; drop table y;--', 'a.b.c.d.e', 'other.public.tap']) as name;
select throws_ok($$select wedding_dbopt.set_table_mode('public.tap', 'off', 'demolition')$$, '22023', null, 'an unknown type is refused');
select throws_ok($$select wedding_dbopt.set_table_mode('public.tap', 'maybe')$$, '22023', null, 'an unknown mode is refused');
select * from finish();
rollback;
