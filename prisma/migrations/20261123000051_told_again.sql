-- migrate:up

-- A link that only Bcc or a delivery header explains is told as removed (src/db/connectors/news.ts). Whoever gives it an open reason, or takes the last of
-- them away, has it told again, as 0033 does for links themselves. What reaches no further than before is not told.
CREATE FUNCTION note_reasons_for_connectors() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.connector c WHERE c.tenant_id = (SELECT public.current_tenant()) AND c.pushes) THEN RETURN NULL; END IF;
  INSERT INTO public.connector_change AS known (tenant_id, connector_id, kind, about, ids)
  SELECT l.tenant_id, c.id, 'link', l.id,
    jsonb_build_object('messageId', l.message_id, 'recordId', l.record_id, 'type', r.type, 'externalId', r.external_id)
  FROM (
    SELECT DISTINCT w.tenant_id, w.link_id FROM changed w
    WHERE NOT (w.kind IN ('address', 'rule') AND (w.key LIKE 'bcc:%' OR w.key LIKE 'delivered-to:%'))
  ) w
  JOIN public.link l ON l.tenant_id = w.tenant_id AND l.id = w.link_id
  JOIN public.record r ON r.tenant_id = l.tenant_id AND r.id = l.record_id AND r.connector <> 'built-in'
  JOIN public.connector c ON c.tenant_id = l.tenant_id AND c.id::text = r.connector AND c.pushes
  WHERE NOT EXISTS (
    SELECT FROM public.link_reason o WHERE o.tenant_id = l.tenant_id AND o.link_id = l.id
      AND NOT (o.kind IN ('address', 'rule') AND (o.key LIKE 'bcc:%' OR o.key LIKE 'delivered-to:%'))
      AND (o.link_id, o.kind, o.key) NOT IN (SELECT n.link_id, n.kind, n.key FROM changed n))
  ORDER BY l.id
  ON CONFLICT (tenant_id, connector_id, kind, about) DO UPDATE SET seq = excluded.seq, ids = excluded.ids;
  RETURN NULL;
END $$;
CREATE TRIGGER reason_made AFTER INSERT ON link_reason REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_reasons_for_connectors();
CREATE TRIGGER reason_ended AFTER DELETE ON link_reason REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_reasons_for_connectors();

-- Files that a later copy brought count as files of the message, as they do for mail that comes from now on (src/db/message-files.ts).
UPDATE message m SET has_attachments = true
FROM (SELECT tenant_id, message_id FROM copy GROUP BY 1, 2 HAVING count(*) > 1) several
WHERE m.tenant_id = several.tenant_id AND m.id = several.message_id AND NOT m.has_attachments AND EXISTS (
  SELECT FROM copy c JOIN copy_structure cs ON cs.tenant_id = c.tenant_id AND cs.copy_id = c.id
  WHERE c.tenant_id = m.tenant_id AND c.message_id = m.id
    AND jsonb_path_exists(cs.parts, '$[*] ? (@.role == "attachment" && !(@.disposition == "inline"))'));

-- migrate:down
DROP TRIGGER reason_ended ON link_reason;
DROP TRIGGER reason_made ON link_reason;
DROP FUNCTION note_reasons_for_connectors;
