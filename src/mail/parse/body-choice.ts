import type { PartDescriptor } from '../../domain/message';

type Choosable = Pick<PartDescriptor, 'section' | 'role' | 'contentType'>;

/**
 * The parts that make up what a reader sees, in order (after RFC 8621 4.1.4): of an alternative (RFC 2046 5.1.4) the branch that has the
 * wanted form, else another; everything that is shown of all other containers.
 */
export function bodyParts<Part extends Choosable>(parts: Part[], wanted: 'text' | 'html'): Part[] {
  const root = parts[0];
  return root === undefined ? [] : bodiesOf(root, childrenBySection(parts), wanted);
}

function bodiesOf<Part extends Choosable>(part: Part, children: Map<string, Part[]>, wanted: 'text' | 'html'): Part[] {
  if (part.role === 'text' || part.role === 'html') return [part];
  if (part.role === 'attachment') return [];
  const branches = (children.get(part.section) ?? []).map((child) => bodiesOf(child, children, wanted));
  if (part.contentType !== 'multipart/alternative') return branches.flat();
  const withWanted = branches.filter((branch) => branch.some((body) => body.role === wanted));
  return withWanted.at(-1) ?? branches.findLast((branch) => branch.length > 0) ?? [];
}

function childrenBySection<Part extends Choosable>(parts: Part[]): Map<string, Part[]> {
  const children = new Map<string, Part[]>();
  for (const part of parts.slice(1)) {
    const parent = part.section.slice(0, Math.max(0, part.section.lastIndexOf('.')));
    const siblings = children.get(parent);
    if (siblings) siblings.push(part);
    else children.set(parent, [part]);
  }
  return children;
}
