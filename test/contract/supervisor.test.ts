import {
  openCommandFixture,
  openProcessFixture,
  openSystemdFixture,
} from '../support/supervisor-fixtures.ts';
import { whyNoSystemdUser } from '../support/systemd-user.ts';
import { describeSupervisor } from './supervisor-contract.ts';

describeSupervisor({
  kind: 'systemd',
  skipped: whyNoSystemdUser(),
  openFixture: openSystemdFixture,
  restarts: true,
});
describeSupervisor({ kind: 'process', skipped: undefined, openFixture: openProcessFixture, restarts: true });
describeSupervisor({ kind: 'command', skipped: undefined, openFixture: openCommandFixture, restarts: false });
