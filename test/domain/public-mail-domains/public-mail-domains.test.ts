import { normaliseDomain } from '../../../src/domain/address';
import { listedDomains } from '../../../src/domain/public-mail-domains/listed';
import { isPublicMailDomain } from '../../../src/domain/public-mail-domains/public-mail-domains';

test.each(['gmail.com', 'gmx.de', 't-online.de', 'ziggo.nl', 'yahoo.ro', 'mailbox.org', 'outlook.com', 'icloud.com'])(
  'anybody can have an address at %s',
  (domain) => {
    expect(isPublicMailDomain(domain)).toBe(true);
  },
);

test.each(['company.example', 'siemens.com', 'mail.gmail.com', ''])('%p may be a company', (domain) => {
  expect(isPublicMailDomain(domain)).toBe(false);
});

test('every domain of the list has the form in which domains are compared', () => {
  const domains = listedDomains.trim().split(/\s+/);
  expect(domains.length).toBeGreaterThan(10_000);
  expect(domains.filter((domain) => normaliseDomain(domain) !== domain)).toEqual([]);
});
