// Cooperative matrices of 16 x 16: halves multiplied into single sums.
enable f16;
enable wgpu_cooperative_matrix;
alias Left = coop_mat16x16<f16, A>;
alias Right = coop_mat16x16<f16, B>;
alias Sum = coop_mat16x16<f32, C>;
const EDGE: u32 = 16u;
