-- The venue confirms, the couple is told.
\set booking random(1, :bookings)
\set wedding 1 + (:booking - 1) % :weddings
select workload.id('booking', :booking) as booking_id, workload.id('user', :wedding) as user_id \gset
begin;
update bookings
set status = 'confirmed', confirmed_at = now(), updated_at = now()
where id = :booking_id and status = 'pending';
insert into notifications (user_id, kind, payload)
values (:user_id, 'booking_confirmed', jsonb_build_object('booking', :booking_id::uuid));
commit;
