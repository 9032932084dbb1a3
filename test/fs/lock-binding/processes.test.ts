// How a client is named, from what the kernel says about it.
import { expect, test } from 'vitest';
import { containerOf } from '../../../fs/lock-binding/processes.ts';

const id = '0123456789ab'.padEnd(64, 'c');

test.each([
  ['Docker, cgroup 2', `0::/system.slice/docker-${id}.scope\n`, '0123456789ab'],
  ['podman', `0::/machine.slice/libpod-${id}.scope/container\n`, '0123456789ab'],
  ['Kubernetes', `0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope\n`, '0123456789ab'],
  ['systemd-nspawn', '0::/machine.slice/systemd-nspawn@web.service/payload/system.slice/cron.service\n', 'web'],
  ['LXC', '0::/lxc.payload.web/init.scope\n', 'web'],
  ['runc, cgroup 1 beside 2', '9:name=systemd:/web-1\n2:cpu:/web-1\n0::/web-1\n', 'web-1'],
  ['runc under systemd', '0::/system.slice/runc-web.scope\n', 'runc-web'],
  ['a pid namespace without a cgroup of its own', '0::/\n', 'unnamed'],
])('the container of %s has its name', (_, cgroup, name) => {
  expect(containerOf(cgroup, true)).toBe(name);
});

test('a process outside of any container is of the host', () => {
  expect(containerOf('0::/user.slice/user-0.slice/session-1.scope\n', false)).toBe('host');
});
