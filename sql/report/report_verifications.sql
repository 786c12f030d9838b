create or replace function _wedding_dbopt.report_verifications(since timestamptz, until timestamptz) returns text
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select coalesce(string_agg(page.html, '' order by page.id desc), '')
  from (
    select deed.id, format('<section><h2>Before and after: %s</h2><p class="muted">%s. Change %s, %s looks. Time is corrected by %s statements that the change cannot touch, %s.</p>%s</section>',
      _wedding_dbopt.html_escape(deed.description), _wedding_dbopt.html_escape(deed.verdict), deed.id, deed.looks,
      coalesce(deed.judgement ->> 'control_statements', '0'),
      case when (deed.judgement ->> 'same_hours')::boolean then 'over the same hours of the day' else 'not over the same hours, which were not seen before' end,
      _wedding_dbopt.html_table('{Statement,Role,#Calls before,#after,#ms before,#after,#Change %,#95 % from,#to,#Blocks before,#after,Verdict}',
        (select array_agg(format('<td>%s<br><span class="muted">%s</span></td><td>%s</td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td><td class="num"><b>%s</b></td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td><td><span class="tag %s">%s</span></td>',
           _wedding_dbopt.html_escape(left(coalesce(_wedding_dbopt.statement_query(v.statement_id), s.queryid::text, 'forgotten'), 160)), _wedding_dbopt.html_escape(replace(coalesce(s.context, 'other'), '_', ' ')), v.role,
           _wedding_dbopt.html_number(v.before_calls), _wedding_dbopt.html_number(v.after_calls),
           _wedding_dbopt.html_number(v.before_ms::numeric), _wedding_dbopt.html_number(v.after_ms::numeric),
           _wedding_dbopt.html_number((100 * v.time_change)::numeric), _wedding_dbopt.html_number((100 * v.time_low)::numeric), _wedding_dbopt.html_number((100 * v.time_high)::numeric),
           _wedding_dbopt.html_number(v.before_blocks::numeric), _wedding_dbopt.html_number(v.after_blocks::numeric),
           case v.verdict when 'improved' then 'good' when 'regressed' then 'critical' else '' end, v.verdict)
           order by v.role, v.before_calls * v.before_ms desc nulls last, v.statement_id)
         from _wedding_dbopt.verification v
         left join _wedding_dbopt.statement s on s.id = v.statement_id
         where v.action_id = deed.id),
        'No statement was judged yet.')) as html
    from _wedding_dbopt.action as deed
    where deed.looks > 0 and deed.looked_at >= report_verifications.since and deed.applied_at <= report_verifications.until
    order by deed.id desc limit 20) as page
$$;
comment on function _wedding_dbopt.report_verifications(timestamptz, timestamptz) is
  'Part of the report: each change that was judged in the window, its verdict, and the statements it touches before and after.';
