import { connectCodes } from '../../src/domain/failure';
import { codeSentence, remedyFor, stateSentence } from '../../src/domain/state-sentences';

test('every code of a connection has its sentence', () => {
  for (const code of connectCodes) {
    expect(codeSentence(code)).toMatch(/[.]/);
    expect(codeSentence(code)).not.toContain(`failed: ${code}`);
  }
});

test('a state without a code speaks for itself', () => {
  expect(stateSentence('paused', null)).toBe('It was paused.');
  expect(remedyFor('paused', null)).toContain('resume');
  expect(remedyFor('live', null)).toBeNull();
});

test('a code says more than its state, and its remedy goes first', () => {
  expect(stateSentence('backing-off', 'disk-low')).toContain('disk');
  expect(remedyFor('backing-off', 'disk-low')).toContain('Make room');
  expect(remedyFor('auth-required', 'login-refused')).toContain('PATCH');
});

test('a code that nobody has words for is told as itself, and its state explains', () => {
  expect(codeSentence('something-new')).toContain('something-new');
  expect(stateSentence('needs-attention', 'something-new')).toContain('person');
});
