function mpc = ac_outages_on_paper
%AC_OUTAGES_ON_PAPER  Three buses whose states after outages are exact: see README.md.
mpc.version = '2';
mpc.baseMVA = 100;
mpc.bus = [
	1	3	0	0	0	0	1	1	0	138	1	1.1	0.8;
	2	1	96	-28	0	0	1	1	0	138	1	1.1	0.8;
	3	1	96	-28	0	0	1	1	0	138	1	1.1	0.8;
];
mpc.gen = [
	1	0	0	400	-400	1	100	1	400	0;
	3	40	0	0	0	1	100	1	60	0;
];
mpc.branch = [
	1	2	0.04	0.28	0	125	0	0	0	0	1	-360	360;
	1	2	0.112	0.384	0	100	0	0	0	0	1	-360	360;
	1	3	0.04	0.28	0	90	0	0	0	0	1	-360	360;
];
