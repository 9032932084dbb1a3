// What a caller's token allows.
export type Access = 'full' | 'read';
