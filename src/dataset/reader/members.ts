import type { Member, MemberTable } from '../../files/index.js';

/** The last member that begins at or before an offset of the uncompressed part. */
export function memberBefore({ members }: MemberTable, offset: number): Member {
  return members.findLast((member) => member.offset <= offset) ?? members[0]!;
}

/** The first member that begins at or behind an offset, or the end of the part. */
export function memberFrom({ members, storedBytes, bytes }: MemberTable, offset: number): Member {
  return members.find((member) => member.offset >= offset) ?? { stored: storedBytes, offset: bytes };
}
