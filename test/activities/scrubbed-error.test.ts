import { scrubbedError } from '../../src/activities/scrubbed-error';

test('an unexpected error keeps its class, its code and its place, and nothing that it quotes', () => {
  const error = Object.assign(new RangeError('no such address: ada@customer.example'), { code: '23505' });
  const shown = scrubbedError(error);
  expect(shown.message).toBe('RangeError 23505');
  expect(JSON.stringify([shown, shown.stack, shown.cause])).not.toContain('ada@customer.example');
  expect(shown.stack).toContain('scrubbed-error.test');
});

test('a code that could be content is left out', () => {
  const error = Object.assign(new Error('x'), { code: 'ada@customer.example said so' });
  expect(scrubbedError(error).message).toBe('Error');
});
