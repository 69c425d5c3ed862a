-- migrate:up
-- Mail to a number is linked to the record that has it. What was recorded before is matched again, by the job of the tenant that waits or a new one: all
-- mail to addresses of ours with a number before them. Where nobody gives numbers to projects and opportunities there is nothing to do.
WITH tenants AS (
  SELECT DISTINCT tenant_id FROM record WHERE number_key IS NOT NULL AND deleted_at IS NULL
), waiting AS (
  SELECT DISTINCT ON (tenant_id) tenant_id, id FROM operation
  WHERE source_id IS NULL AND kind = 'rematch' AND state = 'waiting' ORDER BY tenant_id, created_at, id
), made AS (
  INSERT INTO operation (tenant_id, id, kind, state, total, task)
  SELECT t.tenant_id, gen_random_uuid(), 'rematch', 'waiting', (SELECT count(*) FROM copy c WHERE c.tenant_id = t.tenant_id), '{"after": null, "walk": null}'
  FROM tenants t WHERE NOT EXISTS (SELECT FROM waiting w WHERE w.tenant_id = t.tenant_id)
  RETURNING tenant_id, id
)
INSERT INTO rematch_key (tenant_id, operation_id, address_key)
SELECT o.tenant_id, o.id, '@#' || a.address_key
FROM (SELECT tenant_id, id FROM waiting JOIN tenants USING (tenant_id) UNION ALL SELECT tenant_id, id FROM made) AS o
JOIN (
  SELECT tenant_id, address_key FROM source WHERE deleted_at IS NULL
  UNION SELECT tenant_id, address_key FROM user_address
) AS a USING (tenant_id)
ON CONFLICT DO NOTHING;

-- migrate:down
