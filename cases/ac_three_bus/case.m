function mpc = ac_three_bus
%AC_THREE_BUS  Three buses whose power flow is exact on paper: see README.md.
mpc.version = '2';
mpc.baseMVA = 100;
mpc.bus = [
	1	3	0	0	0	0	1	1	0	138	1	1.1	0.9;
	2	2	52.25	0	0	0	1	1	0	138	1	1.1	0.9;
	3	1	93.75	84.825	0	20	1	1	0	138	1	1.2	0.9;
];
mpc.gen = [
	1	0	0	200	-200	1	100	1	200	0;
	2	30	0	120	-60	1	100	1	60	0;
	2	20	0	60	-30	1	100	1	30	0;
	2	99	0	60	-30	1.05	100	0	99	0;
];
mpc.branch = [
	1	2	0.04	0.28	0.1	125	0	0	0	0	1	-360	360;
	2	3	0	0.2	0	0	0	0	0.8	30	1	-360	360;
];
